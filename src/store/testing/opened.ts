import type { Store } from '../store.ts'
import type { ManualClock } from './manual-clock.ts'

/** What each case of the conformance suite works on. */
export interface Opened {
  readonly store: Store
  readonly clock: ManualClock
}
