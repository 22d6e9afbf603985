import type { Change, ChangeEvent, Rollout } from '../contracts/index.ts'
import { isSlipwayError, SlipwayError } from '../kernel/index.ts'
import { foldOf } from './fold.ts'
import type { ChangeParts } from './parts.ts'
import { isRefusal, next } from './state.ts'
import type { Draft } from './step.ts'

/** A person and the runner may write at once; more than a few turns of that mean something else is wrong. */
const TRIES = 8

/** The one place where events are written and states change. */
export interface Ledger {
  /**
   * Appends to a chain that ends where the writer saw it end. `change_conflict` when it has grown since. An event that
   * the state machine refuses is a fault of the caller.
   */
  append(seen: Seen, draft: Draft): Promise<Change>
  /** Decides on what is stored now, again when somebody was faster. Undefined writes nothing. */
  amend(id: string, decide: (seen: Seen) => Draft | undefined): Promise<Change>
}

export interface Seen {
  readonly change: Change
  readonly events: readonly ChangeEvent[]
}

export function createLedger({
  store,
  clock,
  logger,
}: Pick<ChangeParts, 'store' | 'clock' | 'logger'>): Ledger {
  const append = async ({ change, events }: Seen, draft: Draft): Promise<Change> => {
    const state = next(change.state, draft.type)
    if (isRefusal(state)) throw new Error(`${change.id}: ${state.refused}`)
    const at = clock.nowMs()
    const event = { at, actor: draft.actor, type: draft.type, data: draft.data }
    const sequence = events.at(-1)?.sequence ?? -1
    const written = await store.changes.append(change.id, sequence, event, {
      ...foldOf(draft),
      state,
      updatedAt: at,
    })
    logger.info({ change: change.id, event: draft.type, actor: draft.actor, state }, 'change event written')
    return written.change
  }
  return {
    append,
    async amend(id, decide) {
      for (let tries = 1; ; tries++) {
        const seen = await read(store, id)
        const draft = decide(seen)
        if (draft === undefined) return seen.change
        if (isRefusal(next(seen.change.state, draft.type))) throw conflict(seen.change, `take ${draft.type}`)
        try {
          return await append(seen, draft)
        } catch (error) {
          if (!isConflict(error) || tries === TRIES || isRefusal(next(seen.change.state, draft.type)))
            throw error
        }
      }
    },
  }
}

/** Events first: whoever writes in between makes the append fail, never pass on a stale state. */
export async function read(store: ChangeParts['store'], id: string): Promise<Seen> {
  const events = await store.changes.events(id)
  const change = await store.changes.get(id)
  return { change, events }
}

/** Its id is in the log soon after it starts; until then it is found among the open ones. */
export async function rolloutOf(
  store: ChangeParts['store'],
  { id, rolloutId }: Change,
): Promise<Rollout | undefined> {
  if (rolloutId !== null) return store.rollouts.get(rolloutId)
  return (await store.rollouts.listOpen()).find(({ changeId }) => changeId === id)
}

export function conflict(change: Change, action: string): SlipwayError {
  return new SlipwayError('change_conflict', { change: change.id, state: change.state, action })
}

export function isConflict(error: unknown): boolean {
  return isSlipwayError(error) && error.code === 'change_conflict'
}
