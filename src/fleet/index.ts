export { createLocalBackend, type LocalBackendOptions } from './backends/local/local-backend.ts'
export { createFleet, type FleetOptions } from './create-fleet.ts'
export * from './fleet.ts'
export type { WindowSource } from './rollout/window-source.ts'
