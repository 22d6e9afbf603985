import type { Clock, Logger } from '../kernel/index.ts'
import type { Store } from '../store/index.ts'
import type { Asker } from './gateway-asker.ts'
import type { BatchLimits } from './limits.ts'

/** What running a batch needs. */
export interface RunParts {
  readonly store: Pick<Store, 'batches' | 'blobs' | 'clientFiles' | 'watch'>
  readonly asker: Asker
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: BatchLimits
}
