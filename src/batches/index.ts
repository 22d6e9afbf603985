export { type Batches, createBatches } from './batches.ts'
export type { Upload } from './client-files.ts'
export { gatewayAsker } from './gateway-asker.ts'
export { type BatchLimits, defaultBatchLimits } from './limits.ts'
