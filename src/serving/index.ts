export { foreignServer } from './foreign/foreign-server.ts'
export { type ModelServer, startModelServer } from './model-server.ts'
