export { openApiDocument } from './openapi.ts'
export type { ApiParts } from './parts.ts'
export { createApi } from './server.ts'
