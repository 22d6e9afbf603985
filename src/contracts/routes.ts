import { changesRoutes } from './routes/changes.ts'
import { operationsRoutes } from './routes/operations.ts'
import { servingRoutes } from './routes/serving.ts'

/** The typed table of everything Slipway offers over HTTP. */
export const routes = { ...servingRoutes, ...changesRoutes, ...operationsRoutes }
export type Routes = typeof routes
