export { createLocalBackend } from './backends/local/local-backend.ts'
export { createFleet } from './create-fleet.ts'
export * from './fleet.ts'
