import {
  type PriorityClass,
  priorityClass,
  type ServingPolicy,
  type Snapshot,
} from '../../contracts/index.ts'
import { type Clock, canonicalJson } from '../../kernel/index.ts'
import { type GateRefusal, type GateRefusalReason, HedgeLaw } from '../../routing/index.ts'
import { LoadGate } from './load-gate.ts'
import type { FollowsSnapshots } from './parts.ts'

export type HedgeEnd = 'won' | 'lost' | 'failed'

/** What one version's load is kept in bounds by, and what came of it. */
export class VersionLoad {
  readonly model: string
  readonly version: string
  readonly gate: LoadGate | undefined
  readonly hedges: HedgeLaw | undefined
  readonly hedged: Record<HedgeEnd, number> = { won: 0, lost: 0, failed: 0 }
  /** By class, then reason. */
  readonly refused = new Map<PriorityClass, Record<GateRefusalReason, number>>()

  constructor(model: string, version: string, { hedge, overload }: ServingPolicy, clock: Clock) {
    this.model = model
    this.version = version
    this.hedges = hedge === undefined ? undefined : new HedgeLaw(hedge)
    if (overload === undefined) return
    const classes = priorityClass.options.map((name) => overload.classes[name])
    this.gate = new LoadGate({ ...overload, classes }, clock)
  }

  countRefusal(rank: number, { reason }: GateRefusal): void {
    const name = priorityClass.options[rank] as PriorityClass
    const counts = this.refused.get(name) ?? { 'queue-full': 0, predicted: 0, waited: 0 }
    counts[reason]++
    this.refused.set(name, counts)
  }
}

interface Kept {
  readonly policy: string
  readonly load: VersionLoad
}

/**
 * The loads of all versions whose model's serving policy bounds or hedges them. What was learnt is kept over snapshots as
 * long as the version and those parts of the policy stay the same; requests under way end at the one they began with.
 */
export class TextLoads implements FollowsSnapshots {
  readonly #clock: Clock
  #loads = new Map<string, Map<string, Kept>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  follow(snapshot: Snapshot): void {
    const before = this.#loads
    this.#loads = new Map()
    for (const { model, serving, versions } of snapshot.models) {
      if (serving?.overload === undefined && serving?.hedge === undefined) continue
      const loads = new Map<string, Kept>()
      for (const { id, label } of versions) {
        const { hedge, overload } = serving
        const policy = canonicalJson({ id, hedge: hedge ?? null, overload: overload ?? null })
        const known = before.get(model)?.get(label)
        loads.set(
          label,
          known?.policy === policy
            ? known
            : { policy, load: new VersionLoad(model, label, serving, this.#clock) },
        )
      }
      this.#loads.set(model, loads)
    }
  }

  /** Undefined: the version is neither bounded nor hedged. */
  of(model: string, version: string): VersionLoad | undefined {
    return this.#loads.get(model)?.get(version)?.load
  }

  all(): VersionLoad[] {
    return [...this.#loads.values()].flatMap((loads) => [...loads.values()].map(({ load }) => load))
  }
}
