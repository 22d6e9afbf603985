import { batchRoutes } from './routes/batches.ts'
import { changesRoutes } from './routes/changes.ts'
import { operationsRoutes } from './routes/operations.ts'
import { servingRoutes } from './routes/serving.ts'
import { textRoutes } from './routes/text.ts'
import { textSettingsRoutes } from './routes/text-settings.ts'

/** The typed table of everything Slipway offers over HTTP. */
export const routes = {
  ...servingRoutes,
  ...textRoutes,
  ...textSettingsRoutes,
  ...batchRoutes,
  ...changesRoutes,
  ...operationsRoutes,
}
export type Routes = typeof routes
