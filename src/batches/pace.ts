import type { Clock } from '../kernel/index.ts'

const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 60_000

/**
 * How many lines of a batch are asked at the same time, so that others go first. It grows by one for each round of
 * answers up to `most`, and halves when the gateway, a limit or a provider says that there is no room; then nothing is
 * asked for as long as was said, or twice as long as the last time (additive increase, multiplicative decrease, as TCP
 * finds its share of a line: RFC 5681).
 */
export class Pace {
  readonly #clock: Clock
  readonly #most: number
  #width: number
  #asking = 0
  #resumesMs = 0
  #pauseMs = FIRST_PAUSE_MS
  /** Those who wait for their turn; woken whenever one may be there. */
  #turn = Promise.withResolvers<void>()

  constructor(clock: Clock, most: number) {
    this.#clock = clock
    this.#most = most
    this.#width = most
  }

  get width(): number {
    return Math.floor(this.#width)
  }

  /** Resolves when one more may be asked, which counts until `end`. Rejects when the signal is aborted. */
  async begin(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const waitMs = this.#resumesMs - this.#clock.monotonicMs()
      if (waitMs > 0) await this.#clock.sleep(waitMs, signal)
      else if (this.#asking >= this.width) await orAborted(this.#turn.promise, signal)
      else break
    }
    this.#asking++
  }

  /** @param pausedMs there was no room; how long the other side wants to be left alone, or undefined. */
  end(outcome: 'answered' | { readonly pausedMs: number | undefined }): void {
    this.#asking--
    if (outcome === 'answered') {
      this.#width = Math.min(this.#most, this.#width + 1 / this.#width)
      this.#pauseMs = FIRST_PAUSE_MS
    } else this.#giveWay(outcome.pausedMs)
    this.#turn.resolve()
    this.#turn = Promise.withResolvers<void>()
  }

  #giveWay(pausedMs: number | undefined): void {
    const nowMs = this.#clock.monotonicMs()
    // Refusals of lines that were asked together are one sign, not several.
    if (nowMs < this.#resumesMs) return
    this.#width = Math.max(1, this.#width / 2)
    const asked = Math.max(pausedMs ?? 0, this.#pauseMs)
    this.#resumesMs = nowMs + Math.min(asked, MAX_PAUSE_MS)
    this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_PAUSE_MS)
  }
}

async function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
