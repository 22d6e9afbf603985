export { type ModelServer, type ModelServerOptions, startModelServer } from './model-server.ts'
