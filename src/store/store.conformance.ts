import { afterEach, beforeEach, describe } from 'vitest'
import { describeChanges } from './changes.conformance.ts'
import { describeJobs } from './jobs.conformance.ts'
import { describeServing } from './serving.conformance.ts'
import type { Store } from './store.ts'
import { describeTelemetry } from './telemetry.conformance.ts'
import { type ManualClock, manualClock } from './testing/manual-clock.ts'
import type { Opened } from './testing/opened.ts'

/** Holds a store to what `store.ts` promises. `open` gives an empty one each time; who asked for it closes it. */
export function conformsToStore(name: string, open: (clock: ManualClock) => Promise<Store>): void {
  describe(name, () => {
    let opened: Opened
    beforeEach(async () => {
      const clock = manualClock()
      opened = { store: await open(clock), clock }
    })
    afterEach(async () => {
      await opened.store.close()
    })
    describeServing(() => opened)
    describeChanges(() => opened)
    describeTelemetry(() => opened)
    describeJobs(() => opened)
  })
}
