import type { Snapshot, SnapshotKey, SnapshotModel, SnapshotReplica } from '../contracts/index.ts'
import { type Clock, canonicalJson, type Random } from '../kernel/index.ts'
import { type Balanced, type BalancePolicy, defaultBalancePolicy, ReplicaPool } from './balance.ts'
import { experimentSeed } from './split.ts'

/** A version that can be asked now, by label. */
export interface RoutedVersion<R extends Balanced> {
  readonly label: string
  readonly id: string
  readonly pool: ReplicaPool<R>
}

export interface RoutedModel<R extends Balanced, C> {
  readonly name: string
  readonly snapshot: SnapshotModel
  readonly seed: number
  readonly versions: ReadonlyMap<string, RoutedVersion<R>>
  /** What the owner made of the contract: codecs, checks. */
  readonly compiled: C
}

/** A snapshot made ready for requests. Frozen: a request that holds one is not touched by the next. */
export interface RoutingTable<R extends Balanced, C> {
  readonly revision: number
  readonly createdAt: number
  readonly models: ReadonlyMap<string, RoutedModel<R, C>>
  readonly keys: ReadonlyMap<string, SnapshotKey>
}

export interface HolderParts<R extends Balanced, C> {
  /** Starts to connect; the replica says by `isReady` when it can be picked. */
  openReplica(replica: SnapshotReplica, model: SnapshotModel, version: string): R
  /** Takes nothing new, finishes what is in flight, then closes. */
  retireReplica(replica: R): void
  compile(model: SnapshotModel): C
  readonly clock: Clock
  readonly random: Random
  readonly balance?: BalancePolicy
}

/** A table that is ready to take over; until `commit` nothing that serves now was touched. */
export interface PreparedTable<R extends Balanced, C> {
  readonly table: RoutingTable<R, C>
  /** Replicas that were opened for it and are connecting. */
  readonly opened: readonly R[]
  /** Swaps the reference, then lets go of what the new snapshot no longer names. */
  commit(): void
}

/**
 * Holds the current table and makes the next one of a new snapshot, in two steps: `prepare` opens what is new, so that
 * it can connect while the old table still serves; `commit` swaps one reference and retires what is gone. What did not
 * change (a contract's compiled form, the pool of a version with its connections and counts) is the same object before
 * and after, so a swap costs requests nothing.
 */
export class SnapshotHolder<R extends Balanced, C> {
  table: RoutingTable<R, C> | undefined
  readonly #parts: HolderParts<R, C>
  /** Pools by model and version id; a relabelled version keeps its pool. */
  #pools = new Map<string, ReplicaPool<R>>()
  /** Which replica, at which address, each member stands for. */
  readonly #identities = new WeakMap<R, string>()

  constructor(parts: HolderParts<R, C>) {
    this.#parts = parts
  }

  /** Prepare in order and commit each (or skip to a newer one): opened replicas are found again by the next call. */
  prepare(snapshot: Snapshot): PreparedTable<R, C> {
    const wanted: { pool: ReplicaPool<R>; replicas: readonly SnapshotReplica[] }[] = []
    const opened: R[] = []
    const models = new Map<string, RoutedModel<R, C>>()
    for (const model of snapshot.models) {
      const versions = new Map<string, RoutedVersion<R>>()
      for (const version of model.versions) {
        const pool = this.#poolOf(`${model.model}\n${version.id}`)
        opened.push(...this.#openMissing(pool, version.replicas, model, version.label))
        wanted.push({ pool, replicas: version.replicas })
        versions.set(version.label, { label: version.label, id: version.id, pool })
      }
      models.set(model.model, {
        name: model.model,
        snapshot: model,
        seed: experimentSeed(model.experiment),
        versions,
        compiled: this.#compiled(model),
      })
    }
    const table: RoutingTable<R, C> = {
      revision: snapshot.revision,
      createdAt: snapshot.createdAt,
      models,
      keys: new Map(snapshot.keys.map((key) => [key.publicId, key])),
    }
    return {
      table,
      opened,
      commit: () => {
        this.table = table
        this.#letGo(wanted)
      },
    }
  }

  close(): void {
    this.#letGo([])
  }

  #poolOf(poolKey: string): ReplicaPool<R> {
    const known = this.#pools.get(poolKey)
    if (known !== undefined) return known
    const pool = new ReplicaPool<R>(this.#parts.random, this.#parts.balance ?? defaultBalancePolicy)
    this.#pools.set(poolKey, pool)
    return pool
  }

  #compiled(model: SnapshotModel): C {
    const before = this.table?.models.get(model.model)
    const isSame =
      before !== undefined && canonicalJson(before.snapshot.contract) === canonicalJson(model.contract)
    return isSame ? before.compiled : this.#parts.compile(model)
  }

  #openMissing(
    pool: ReplicaPool<R>,
    replicas: readonly SnapshotReplica[],
    model: SnapshotModel,
    version: string,
  ): R[] {
    const known = new Set(pool.members.map((member) => this.#identities.get(member.replica)))
    const missing = replicas.filter((replica) => !known.has(identityOf(replica)))
    return missing.map((replica) => {
      const opened = this.#parts.openReplica(replica, model, version)
      this.#identities.set(opened, identityOf(replica))
      pool.add(opened, this.#parts.clock.monotonicMs())
      return opened
    })
  }

  #letGo(wanted: readonly { pool: ReplicaPool<R>; replicas: readonly SnapshotReplica[] }[]): void {
    const kept = new Map<ReplicaPool<R>, Map<string, SnapshotReplica>>()
    for (const { pool, replicas } of wanted) {
      const known = kept.get(pool) ?? new Map<string, SnapshotReplica>()
      for (const replica of replicas) known.set(identityOf(replica), replica)
      kept.set(pool, known)
    }
    for (const [poolKey, pool] of this.#pools) {
      const replicas = kept.get(pool)
      if (replicas === undefined) this.#pools.delete(poolKey)
      for (const member of [...pool.members]) {
        const replica = replicas?.get(this.#identities.get(member.replica) ?? '')
        if (replica !== undefined) member.isDraining = replica.draining
        else {
          pool.remove(member)
          this.#parts.retireReplica(member.replica)
        }
      }
    }
  }
}

function identityOf(replica: SnapshotReplica): string {
  return `${replica.id}\n${replica.address}\n${replica.allowInner === true}`
}
