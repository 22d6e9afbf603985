import type { Clock } from '../../kernel/index.ts'
import type { Health } from '../health.ts'
import type { ForeignGauges } from './foreign-kind.ts'
import type { ForeignTimings } from './foreign-timings.ts'
import type { Scrape } from './scrape.ts'

export interface ForeignWatchOptions {
  readonly clock: Clock
  readonly timings: ForeignTimings
  readonly health: Health
  readonly isWell: () => Promise<boolean>
  readonly scrape: () => Promise<Scrape | undefined>
  /** Called once; nothing is watched after it. */
  readonly onSilent: (reason: string) => void
}

/**
 * Looks at a foreign server that runs. Two things are no life: health that is not good (vLLM says so when its engine
 * died and its process did not), and requests at work without a token in or out, which health does not see.
 */
export class ForeignWatch {
  readonly #options: ForeignWatchOptions
  #isClosed = false
  #timer: NodeJS.Timeout | undefined
  #wellMs: number
  #tokens = -1
  #tokensMs: number

  constructor(options: ForeignWatchOptions) {
    this.#options = options
    const nowMs = options.clock.monotonicMs()
    this.#wellMs = nowMs
    this.#tokensMs = nowMs
    this.#next()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #next(): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(() => void this.#look().then(() => this.#next()), this.#options.timings.watchMs)
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    const { clock, isWell, onSilent, scrape, timings } = this.#options
    const [well, found] = await Promise.all([isWell(), scrape()])
    if (this.#isClosed) return
    const nowMs = clock.monotonicMs()
    if (well) this.#wellMs = nowMs
    if (found !== undefined) this.#count(found.gauges, nowMs)
    // Who tells no metrics is not accused by them.
    else this.#tokensMs = nowMs
    const reason = this.#reason(nowMs, timings)
    if (reason === undefined) return
    this.close()
    onSilent(reason)
  }

  #count(gauges: ForeignGauges, nowMs: number): void {
    const tokens = (gauges.inputTokens ?? 0) + (gauges.outputTokens ?? 0)
    // Without a count of tokens, or without work, there is nothing to say.
    const isTold = gauges.outputTokens !== undefined && (gauges.running ?? 0) > 0
    if (isTold && tokens === this.#tokens) return
    this.#tokens = tokens
    this.#tokensMs = nowMs
    this.#options.health.moved()
  }

  #reason(nowMs: number, { hungAfterMs, silentAfterMs }: ForeignTimings): string | undefined {
    const unwellMs = nowMs - this.#wellMs
    if (unwellMs >= silentAfterMs) return `its health has not been good for ${Math.round(unwellMs)} ms`
    const stillMs = nowMs - this.#tokensMs
    if (stillMs >= hungAfterMs) return `it has had work and no token for ${Math.round(stillMs)} ms`
    return undefined
  }
}
