export { type BatchDesk, type Batches, createBatches } from './batches.ts'
export type { ClientFiles, Upload } from './client-files.ts'
export { gatewayAsker } from './gateway-asker.ts'
export { type BatchLimits, defaultBatchLimits } from './limits.ts'
