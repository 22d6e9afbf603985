import type { LimitLaw, LimitSettings, TtftSample } from '../routing/index.ts'

/** What the law in use was chosen over; each with its usual constants, on the same samples. */
export type LawName = 'aimd' | 'gradient2' | 'vegas'

export function limitLaw(name: LawName, settings: LimitSettings): LimitLaw {
  if (name === 'aimd') return new Aimd(settings)
  return name === 'vegas' ? new Vegas(settings) : new Gradient2(settings)
}

abstract class Law implements LimitLaw {
  protected readonly settings: LimitSettings
  protected value: number

  constructor(settings: LimitSettings) {
    this.settings = settings
    this.value = settings.initialConcurrency
  }

  get limit(): number {
    const { maxConcurrency, minConcurrency } = this.settings
    this.value = Math.max(1, minConcurrency, Math.min(maxConcurrency, this.value))
    return Math.floor(this.value)
  }

  baselineMs(): number | undefined {
    return undefined
  }

  overloaded(): void {
    this.value *= 0.8
  }

  abstract sample(sample: TtftSample): void
}

/** Netflix concurrency-limits, `AIMDLimit.java`: one more after a good answer, a tenth less after a slow one. */
class Aimd extends Law {
  #least = Number.POSITIVE_INFINITY

  sample({ inFlight, ttftMs }: TtftSample): void {
    this.#least = Math.min(this.#least, ttftMs)
    if (ttftMs > this.settings.ttftFactor * this.#least) this.value *= 0.9
    else if (inFlight * 2 >= this.value) this.value += 1
  }
}

/** Netflix concurrency-limits, `Gradient2Limit.java`: against a long average of all samples (600), smoothed by 0.2. */
class Gradient2 extends Law {
  #long = 0
  #seen = 0

  sample({ inFlight, ttftMs }: TtftSample): void {
    this.#seen++
    this.#long += (ttftMs - this.#long) / Math.min(this.#seen, 600)
    if (this.#long / ttftMs > 2) this.#long *= 0.95
    if (inFlight < this.value / 2) return
    const gradient = Math.max(0.5, Math.min(1, (this.settings.ttftFactor * this.#long) / ttftMs))
    this.value = 0.8 * this.value + 0.2 * (this.value * gradient + 4)
  }
}

/** Netflix concurrency-limits, `VegasLimit.java`: the queue that a TTFT over the least one stands for, kept in a band. */
class Vegas extends Law {
  #least = Number.POSITIVE_INFINITY

  sample({ inFlight, ttftMs }: TtftSample): void {
    this.#least = Math.min(this.#least, ttftMs)
    if (inFlight * 2 < this.value) return
    const step = Math.max(1, Math.log10(this.value))
    const queue = Math.ceil(this.value * (1 - this.#least / ttftMs))
    if (queue <= step) this.value += 6 * step
    else if (queue < 3 * step) this.value += step
    else if (queue > 6 * step) this.value -= step
  }
}
