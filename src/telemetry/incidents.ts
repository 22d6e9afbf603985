import type { Incident } from '../contracts/index.ts'
import { type Clock, newId } from '../kernel/index.ts'
import type { Store } from '../store/index.ts'
import { whatChangedBefore } from './what-changed.ts'

export interface NewIncident {
  readonly model: string
  readonly version?: string | null
  readonly changeId?: string | null
  /** What a person on call reads first: "spam_filter v3.1 fails 12 % of requests, v3.0 0.2 %". */
  readonly title: string
  /** What was done at once, in order. */
  readonly actions?: readonly string[]
}

export interface Incidents {
  /** Stores it with what changed about the model before. `unknown_model`. */
  open(incident: NewIncident): Promise<Incident>
  addAction(id: string, what: string): Promise<void>
  close(id: string): Promise<void>
}

export function createIncidents(
  store: Pick<Store, 'incidents' | 'traffic' | 'changes' | 'deployments'>,
  clock: Clock,
): Incidents {
  return {
    open: async ({ model, version = null, changeId = null, title, actions = [] }) => {
      const openedAt = clock.nowMs()
      const incident: Incident = {
        id: newId('i'),
        model,
        version,
        changeId,
        openedAt,
        closedAt: null,
        title,
        actions: actions.map((what) => ({ at: openedAt, what })),
        before: await whatChangedBefore(store, model, openedAt),
      }
      await store.incidents.open(incident)
      return incident
    },
    addAction: (id, what) => store.incidents.addAction(id, { at: clock.nowMs(), what }),
    close: (id) => store.incidents.close(id, clock.nowMs()),
  }
}
