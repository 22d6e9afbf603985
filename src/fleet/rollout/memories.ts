import type { Rollout, RolloutLook } from '../../contracts/index.ts'
import type { Store } from '../../store/index.ts'
import { type Folded, nothingFolded } from './evidence.ts'

/** What the judge keeps of a rollout between looks; all of it can be read, or seen, again. */
export interface RolloutMemory {
  folded: Folded
  /** Since when an arm has been seen without a ready replica. */
  readonly unreadySinceMs: Map<string, number>
  lastLook: Pick<RolloutLook, 'sequence' | 'at' | 'step' | 'decision'> | undefined
}

export interface RolloutMemories {
  of(rollout: Rollout): Promise<RolloutMemory>
  forget(id: string): void
}

export function createMemories(store: Pick<Store, 'rollouts'>): RolloutMemories {
  const memories = new Map<string, RolloutMemory>()
  return {
    async of(rollout) {
      const known = memories.get(rollout.id)
      // The start moves while the rollout is pending; what was folded belongs to the start it was folded from.
      if (known !== undefined && rollout.state !== 'pending') return known
      const lastLook = newest(await store.rollouts.looks(rollout.id))
      const fresh: RolloutMemory = { folded: nothingFolded(rollout), unreadySinceMs: new Map(), lastLook }
      memories.set(rollout.id, fresh)
      return fresh
    },
    forget(id) {
      memories.delete(id)
    },
  }
}

function newest(looks: readonly RolloutLook[]): RolloutLook | undefined {
  return looks.reduce<RolloutLook | undefined>(
    (last, each) => (last === undefined || each.sequence > last.sequence ? each : last),
    undefined,
  )
}
