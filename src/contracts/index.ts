export * from './change.ts'
export * from './deployment.ts'
export { type ErrorCode, errorTable } from './errors.ts'
export * from './keys.ts'
export * from './model.ts'
export * from './names.ts'
export * from './predict.ts'
export { type Problem, problem } from './problem.ts'
export * from './replica.ts'
export * from './rollout.ts'
export { type Access, type Route, route } from './route.ts'
export {
  type ModelSummary,
  modelSummary,
  type Routes,
  routes,
  type StatusReport,
  statusReport,
} from './routes.ts'
export * from './snapshot.ts'
export * from './telemetry.ts'
