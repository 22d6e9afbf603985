import type { Snapshot } from '../../contracts/index.ts'
import type { Clock, Logger } from '../../kernel/index.ts'
import type { Upstream } from '../../providers/index.ts'
import type { RoutingTable, SnapshotHolder } from '../../routing/index.ts'
import type { CompiledContract } from '../gateway-table.ts'
import { saveSnapshot } from './snapshot-file.ts'

export interface SnapshotTakerOptions {
  readonly holder: SnapshotHolder<Upstream, CompiledContract>
  readonly clock: Clock
  readonly log: Logger
  readonly path: string
  readonly connectGraceMs: number
  readonly onTable: (table: RoutingTable<Upstream, CompiledContract>, snapshot: Snapshot) => void
}

/**
 * Puts snapshots into use, one after another, the newest first: replicas that a snapshot adds get `connectGraceMs` to
 * connect while the old table serves, then the table is swapped and the snapshot stored. A newer snapshot that comes
 * during that time takes the place of the one that waits, without waiting anew.
 */
export class SnapshotTaker {
  readonly #options: SnapshotTakerOptions
  #wanted: { readonly snapshot: Snapshot; readonly isStored: boolean } | undefined
  #graceEndsMs = 0
  #newer: () => void = () => undefined
  #taking: Promise<void> | undefined
  #storing: Promise<void> = Promise.resolve()

  constructor(options: SnapshotTakerOptions) {
    this.#options = options
  }

  /** @param isStored it came from the disk and need not go there. */
  take(snapshot: Snapshot, isStored = false): void {
    const { clock, connectGraceMs } = this.#options
    if (this.#wanted === undefined && this.#taking === undefined)
      this.#graceEndsMs = clock.monotonicMs() + connectGraceMs
    this.#wanted = { snapshot, isStored }
    this.#newer()
    if (this.#taking === undefined) this.#taking = this.#takeAll()
  }

  /** Resolves when nothing waits to be used or stored. */
  async settled(): Promise<void> {
    await this.#taking
    await this.#storing
  }

  async #takeAll(): Promise<void> {
    // Not in the same turn: `#taking` is set by then, and ends in the turn that finds nothing more to take.
    await undefined
    try {
      const { clock, connectGraceMs, holder, log, onTable } = this.#options
      while (this.#wanted !== undefined) {
        const { snapshot, isStored } = this.#wanted
        this.#wanted = undefined
        const prepared = holder.prepare(snapshot)
        if (prepared.opened.length > 0) await this.#whenConnected(prepared.opened)
        if (this.#wanted !== undefined) continue
        prepared.commit()
        onTable(prepared.table, snapshot)
        log.info({ revision: snapshot.revision }, 'snapshot in use')
        if (!isStored) this.#store(snapshot)
        this.#graceEndsMs = clock.monotonicMs() + connectGraceMs
      }
    } finally {
      this.#taking = undefined
    }
  }

  async #whenConnected(opened: readonly Upstream[]): Promise<void> {
    const leftMs = this.#graceEndsMs - this.#options.clock.monotonicMs()
    if (leftMs <= 0) return
    const over = new AbortController()
    const newer = new Promise<void>((resolve) => {
      this.#newer = resolve
    })
    const ready = Promise.all(opened.map((replica) => replica.whenReady()))
    const timeout = this.#options.clock.sleep(leftMs, over.signal).catch(() => undefined)
    await Promise.race([ready, newer, timeout])
    over.abort()
    this.#newer = () => undefined
  }

  #store(snapshot: Snapshot): void {
    const { log, path } = this.#options
    this.#storing = this.#storing
      .then(() => saveSnapshot(path, snapshot))
      .catch((error: unknown) => log.error({ err: error, path }, 'snapshot not stored'))
  }
}
