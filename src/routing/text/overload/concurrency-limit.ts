/** What a limit is kept by; see `overloadPolicy`. */
export interface LimitSettings {
  readonly ttftFactor: number
  readonly initialConcurrency: number
  readonly minConcurrency: number
  readonly maxConcurrency: number
}

/** One first token, as it was seen. */
export interface TtftSample {
  /** Place of its priority class. */
  readonly rank: number
  readonly ttftMs: number
  /** When its request was sent, monotonic ms. */
  readonly startedMs: number
  /** Requests at the upstream when it was sent, itself among them. */
  readonly inFlight: number
}

/** How many may be at an upstream at once, and what that is learnt from. */
export interface LimitLaw {
  /** Whole requests, at least 1. */
  readonly limit: number
  /** The TTFT of a class without load, ms; undefined where it is not known. */
  baselineMs(rank: number): number | undefined
  sample(sample: TtftSample, nowMs: number): void
  /** The upstream said that it is overloaded, or did not answer in time. */
  overloaded(startedMs: number, nowMs: number): void
}

/**
 * How many requests one upstream takes at once before they wait inside it, learnt from the time to first token (TTFT).
 * Never from the whole time of an answer, which says how much was written and not how long somebody waited.
 *
 * cold ──window within the factor: double──▶ cold        (TCP's slow start)
 *   └──window above the factor──▶ steady: limit ← smoothed (limit · gradient + √limit)
 *
 * A window is closed by so many samples that were sent after the last change, so that no change is judged by what was
 * sent before it. Its r is the geometric mean of TTFT ÷ the class's own TTFT without load, and the gradient is
 * factor ÷ r within [½, 1]: the law of Netflix's concurrency-limits, `Gradient2Limit.java`. Three things are not theirs:
 *
 * - The baseline. Gradient2 takes a long average of all samples, which under a lasting overload turns into the overload
 *   itself. Here only samples teach it that were sent while at most half as many were there as were seen to be taken well;
 *   at the least limit, or a quarter of the best, all do: that it still is slow is not for load. TCP Vegas' minimum is not used: one prompt out of a prefix cache would set it.
 * - Classes have baselines of their own, for batches ask with longer prompts than people; the limit is one, as the
 *   upstream is.
 * - No growth while less than 80 % of the limit was in use: it would be a guess.
 *
 * By `src/sim/overload.ts`; the figures are in docs/overload.md.
 */
export class ConcurrencyLimit implements LimitLaw {
  readonly #settings: LimitSettings
  readonly #baselines: (Baseline | undefined)[] = []
  #limit: number
  /** Most at the upstream that was seen to be within the factor. */
  #proven: number
  /** The greatest of those; fades. */
  #best: number
  /** Logarithm of the last window's r, where that is above 1. */
  #ratioLog = 0
  #isCold = true
  #changedMs = Number.NEGATIVE_INFINITY
  #samples = 0
  #logSum = 0
  #peak = 0

  constructor(settings: LimitSettings) {
    this.#settings = settings
    this.#limit = this.#within(settings.initialConcurrency)
    this.#proven = this.#limit
    this.#best = this.#limit
  }

  get limit(): number {
    return Math.floor(this.#limit)
  }

  baselineMs(rank: number): number | undefined {
    const baseline = this.#baselines[rank]
    return baseline === undefined ? undefined : Math.exp(baseline.log)
  }

  sample(sample: TtftSample, nowMs: number): void {
    const log = Math.log(Math.max(sample.ttftMs, 0.01))
    this.#learn(sample, log)
    const baseline = this.#baselines[sample.rank] as Baseline
    if (sample.startedMs < this.#changedMs) return
    this.#samples++
    this.#logSum += log - baseline.log
    this.#peak = Math.max(this.#peak, sample.inFlight)
    // While cold the whole of the limit is waited for: the first to be heard of a burst are those that did not wait.
    const most = this.#isCold ? MAX_COLD_WINDOW : MAX_WINDOW
    if (this.#samples >= Math.min(most, Math.max(MIN_WINDOW, this.limit))) this.#close(nowMs)
  }

  /** Less, once for all that were sent before. */
  overloaded(startedMs: number, nowMs: number): void {
    if (startedMs < this.#changedMs) return
    this.#isCold = false
    this.#change(this.#limit * DROP, nowMs)
  }

  #close(nowMs: number): void {
    const ratio = Math.exp(this.#logSum / this.#samples)
    const { ttftFactor } = this.#settings
    const isUsed = this.#peak >= 0.8 * this.limit
    if (ratio > ttftFactor) this.#isCold = false
    else this.#proven = Math.max(this.#proven, this.#peak)
    this.#best = Math.max(this.#proven, this.#best * FADE)
    this.#ratioLog = Math.max(0, Math.log(ratio))
    if (this.#isCold) {
      this.#change(isUsed ? this.#limit * 2 : this.#limit, nowMs)
      return
    }
    const gradient = Math.min(1, Math.max(0.5, ttftFactor / ratio))
    const wanted = this.#limit * gradient + (isUsed ? Math.sqrt(this.#limit) : 0)
    this.#change(this.#limit + SMOOTHING * (wanted - this.#limit), nowMs)
  }

  #change(limit: number, nowMs: number): void {
    this.#limit = this.#within(limit)
    this.#proven = Math.min(this.#proven, this.#limit)
    this.#changedMs = nowMs
    this.#samples = 0
    this.#logSum = 0
    this.#peak = 0
  }

  #within(limit: number): number {
    const { maxConcurrency, minConcurrency } = this.#settings
    return Math.max(1, minConcurrency, Math.min(maxConcurrency, limit))
  }

  #learn({ inFlight, rank }: TtftSample, log: number): void {
    this.#baselines[rank] ??= { log: 0, seen: 0 }
    const baseline = this.#baselines[rank]
    const isFloor = this.#limit <= Math.max(1, this.#settings.minConcurrency, this.#best / 4)
    const isQuiet = isFloor || inFlight <= Math.max(1, this.#proven / 2)
    if (!isQuiet && baseline.seen >= TRUSTED_FROM) return
    const running = this.#samples < MIN_WINDOW ? 0 : this.#logSum / this.#samples
    const unloaded = isQuiet ? log : log - Math.max(this.#ratioLog, running)
    baseline.seen++
    baseline.log += (unloaded - baseline.log) / Math.min(baseline.seen, LEARN_OVER)
  }
}

interface Baseline {
  /** Natural logarithm of ms: the mean of logarithms is hardly moved by one odd prompt. */
  log: number
  seen: number
}

const MIN_WINDOW = 4
const MAX_WINDOW = 32
const MAX_COLD_WINDOW = 256
/** Samples that the baseline of a class is a mean of; older ones fade. */
const LEARN_OVER = 64
/** Before so many a class learns from all of its samples, those of a loaded time less by what the load adds. */
const TRUSTED_FROM = 32
/** Of the greatest proven, a window. */
const FADE = 0.995
const SMOOTHING = 0.5
const DROP = 0.8
