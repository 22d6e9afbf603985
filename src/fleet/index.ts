export { createLocalBackend } from './backends/local/local-backend.ts'
export { withRemoteVersions } from './backends/remote/remote-versions.ts'
export { createFleet } from './create-fleet.ts'
export * from './fleet.ts'
