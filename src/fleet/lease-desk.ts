import type { LeaseAnswer, LeaseExchange } from '../contracts/index.ts'
import type { Clock } from '../kernel/index.ts'
import { type CalendarCount, LeaseBook } from '../routing/index.ts'
import type { Store } from '../store/index.ts'

/** Control as the one who counts limits for all gateways. */
export interface LeaseDesk {
  /**
   * Answers when what days and months have used is stored, so that no restart grants it twice. `store_unavailable`; the
   * same message again is then answered as soon as it is.
   */
  exchange(message: LeaseExchange): Promise<LeaseAnswer>
}

export async function openLeaseDesk(
  store: Pick<Store, 'limitCounts'>,
  clock: Pick<Clock, 'nowMs' | 'monotonicMs'>,
): Promise<LeaseDesk> {
  const stored = await store.limitCounts.list(clock.nowMs())
  const book = new LeaseBook(stored)
  const counts = new DurableCounts(store)
  return {
    async exchange(message) {
      const exchanged = book.exchange(message, { monotonicMs: clock.monotonicMs(), nowMs: clock.nowMs() })
      await counts.keep(exchanged.counts)
      return exchanged.answer
    },
  }
}

/** Writes the newest of what changed, all that gathered while the last write was under way in one. */
class DurableCounts {
  readonly #store: Pick<Store, 'limitCounts'>
  readonly #dirty = new Map<string, CalendarCount>()
  #version = 0
  #durable = 0
  #writing: Promise<void> | undefined

  constructor(store: Pick<Store, 'limitCounts'>) {
    this.#store = store
  }

  async keep(counts: readonly CalendarCount[]): Promise<void> {
    if (counts.length > 0) {
      for (const count of counts) this.#dirty.set(count.id, count)
      this.#version++
    }
    // A message that is repeated after a failed write brings no counts, and must wait for those that it brought before.
    const own = this.#version
    while (this.#durable < own) {
      this.#writing ??= this.#write()
      await this.#writing
    }
  }

  async #write(): Promise<void> {
    const [version, counts] = [this.#version, [...this.#dirty.values()]]
    this.#dirty.clear()
    try {
      await this.#store.limitCounts.put(counts)
      this.#durable = version
    } catch (error) {
      for (const count of counts) if (!this.#dirty.has(count.id)) this.#dirty.set(count.id, count)
      throw error
    } finally {
      this.#writing = undefined
    }
  }
}
