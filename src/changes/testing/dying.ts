import type { ChangeParts } from '../parts.ts'

/** What the process throws from the moment it is dead: nothing it does reaches the world any more. */
export class Died extends Error {}

const WRITES: Record<string, readonly string[]> = {
  changes: ['append'],
  evidence: ['put', 'putBlock'],
  incidents: ['open', 'addAction', 'close'],
  failureCases: ['attach'],
  signOffs: ['put'],
  fleet: ['deploy', 'stop', 'rollback'],
  rollouts: ['start', 'abort', 'pause', 'resume'],
}

/**
 * The parts of a process that is killed at its n-th write or act: just before it, or just after, when it is done but
 * nobody heard the answer. Afterwards every call fails, reads too.
 */
export function dyingParts(
  parts: ChangeParts,
  kill: { readonly at: number; readonly when: 'before' | 'after' },
): { readonly parts: ChangeParts; readonly writes: () => string[] } {
  const writes: string[] = []
  let isDead = false
  const wrap = <T extends object>(target: T, name: string): T =>
    new Proxy(target, {
      get(object, member, receiver) {
        const value: unknown = Reflect.get(object, member, receiver)
        if (name === 'fleet' && member === 'rollouts') return wrap(value as object, 'rollouts')
        if (typeof value !== 'function') return value
        return async (...given: unknown[]) => {
          if (isDead) throw new Died()
          if (WRITES[name]?.includes(String(member)) !== true) return value.apply(object, given)
          const index = writes.push(`${name}.${String(member)}`) - 1
          if (index !== kill.at) return value.apply(object, given)
          if (kill.when === 'after') await value.apply(object, given)
          isDead = true
          throw new Died()
        }
      },
    })
  const { store } = parts
  const fragile = {
    ...store,
    changes: wrap(store.changes, 'changes'),
    evidence: wrap(store.evidence, 'evidence'),
    incidents: wrap(store.incidents, 'incidents'),
    failureCases: wrap(store.failureCases, 'failureCases'),
    signOffs: wrap(store.signOffs, 'signOffs'),
  }
  const lab: ChangeParts['lab'] = {
    plan: parts.lab.plan,
    run: async (...given) => {
      if (isDead) throw new Died()
      return parts.lab.run(...given)
    },
  }
  const clock = {
    ...parts.clock,
    // A dead process does not wait, so that it does not try again either.
    sleep: async (ms: number, signal?: AbortSignal) => {
      if (isDead) throw new Died()
      return parts.clock.sleep(ms, signal)
    },
  }
  return {
    parts: { ...parts, store: fragile, fleet: wrap(parts.fleet, 'fleet'), lab, clock },
    writes: () => writes,
  }
}
