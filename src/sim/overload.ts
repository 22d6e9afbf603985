import { type Random, seededRandom } from '../kernel/index.ts'
import { type GatePlace, type GateSettings, type LimitLaw, PlaceGate, type Waiter } from '../routing/index.ts'
import { SimUpstream } from './sim-upstream.ts'

/** Traffic against an upstream of known capacity; arrivals are Poisson's. */
export interface OverloadScenario {
  /** Sequences that the upstream computes at once; more wait there, first come, first served. */
  readonly slots: number
  /** First token without load: the median of a log-normal law, ms, and its spread. */
  readonly firstTokenMs: number
  readonly firstTokenSpread: number
  /** Mean of what comes after the first token (exponential), ms. */
  readonly writingMs: number
  /** Requests a second by rank, the first class first. */
  readonly perSecond: readonly number[]
  /** Times `perSecond`, by the time: `[fromMs, factor]`, sorted. */
  readonly load?: readonly (readonly [number, number])[]
  /** Times all that the upstream takes, by the time. */
  readonly slowness?: readonly (readonly [number, number])[]
  readonly deadlineMs: number
  readonly lastsMs: number
}

export interface OverloadClass {
  arrived: number
  answered: number
  refused: number
  waited: number
  /** From arrival at the gate to the first token, of those answered, ms. */
  firstTokensMs: number[]
}

export interface OverloadOutcome {
  readonly classes: readonly OverloadClass[]
  /** The limit, once a second. */
  readonly limits: readonly number[]
  /** Share of the time of the upstream's slots in use, once a second. */
  readonly busy: readonly number[]
  /** Most that ever was at the upstream beyond the limit of that moment at the start of one; 0 if the gate holds. */
  readonly mostOverLimit: number
  readonly mostQueued: number
}

interface SimRequest extends Waiter {
  readonly arrivedMs: number
  place?: GatePlace
}

/** Runs the real gate on a virtual clock. @param law instead of the gate's own. */
export function simulateOverload(
  settings: GateSettings,
  scenario: OverloadScenario,
  seed: number,
  law?: LimitLaw,
): OverloadOutcome {
  return new OverloadRun(settings, scenario, seededRandom(seed), law).run()
}

class OverloadRun {
  readonly #scenario: OverloadScenario
  readonly #random: Random
  readonly #gate: PlaceGate<SimRequest>
  readonly #upstream: SimUpstream<SimRequest>
  readonly #arrivals: number[]
  readonly #classes: OverloadClass[]
  readonly #limits: number[] = []
  readonly #busy: number[] = []
  #mostOverLimit = 0
  #mostQueued = 0

  constructor(settings: GateSettings, scenario: OverloadScenario, random: Random, law?: LimitLaw) {
    this.#scenario = scenario
    this.#random = random
    this.#gate = new PlaceGate(settings, law)
    this.#upstream = new SimUpstream(scenario.slots)
    this.#arrivals = scenario.perSecond.map((_, rank) => this.#gapMs(rank, 0))
    this.#classes = scenario.perSecond.map(() => ({
      arrived: 0,
      answered: 0,
      refused: 0,
      waited: 0,
      firstTokensMs: [],
    }))
  }

  run(): OverloadOutcome {
    let nowMs = 0
    let tickMs = 1000
    while (nowMs < this.#scenario.lastsMs) {
      const arrivalMs = Math.min(...this.#arrivals)
      const dueMs = Math.max(nowMs, this.#gate.dueMs)
      nowMs = Math.min(arrivalMs, this.#upstream.nextMs, dueMs, tickMs)
      if (nowMs === tickMs) {
        this.#limits.push(this.#gate.limit)
        this.#busy.push(this.#upstream.busyShare)
        tickMs += 1000
      }
      this.#expire(nowMs)
      this.#tell(nowMs)
      if (nowMs === arrivalMs) this.#arrive(this.#arrivals.indexOf(arrivalMs), nowMs)
      for (let due = this.#gate.next(nowMs); due !== undefined; due = this.#gate.next(nowMs))
        this.#start(due.waiter, due.place, nowMs)
      this.#mostQueued = Math.max(this.#mostQueued, this.#gate.queuedInAll)
    }
    return {
      classes: this.#classes,
      limits: this.#limits,
      busy: this.#busy,
      mostOverLimit: this.#mostOverLimit,
      mostQueued: this.#mostQueued,
    }
  }

  #arrive(rank: number, nowMs: number): void {
    this.#arrivals[rank] = nowMs + this.#gapMs(rank, nowMs)
    const counts = this.#classes[rank] as OverloadClass
    counts.arrived++
    const request: SimRequest = { rank, arrivedMs: nowMs, deadlineMs: nowMs + this.#scenario.deadlineMs }
    const answer = this.#gate.arrive(request, nowMs)
    if (answer === 'queued') return
    if ('reason' in answer) counts.refused++
    else this.#start(request, answer, nowMs)
  }

  #start(request: SimRequest, place: GatePlace, nowMs: number): void {
    request.place = place
    this.#mostOverLimit = Math.max(this.#mostOverLimit, this.#gate.inFlightInAll - this.#gate.limit)
    const { firstTokenMs, firstTokenSpread, writingMs } = this.#scenario
    const slowness = valueAt(this.#scenario.slowness, nowMs)
    const firstMs = firstTokenMs * Math.exp(firstTokenSpread * this.#normal()) * slowness
    const restMs = -Math.log(1 - this.#random()) * writingMs * slowness
    this.#upstream.start(request, firstMs, restMs, nowMs)
  }

  #tell(nowMs: number): void {
    for (let event = this.#upstream.take(nowMs); event !== undefined; event = this.#upstream.take(nowMs)) {
      const { of: request } = event
      const place = request.place as GatePlace
      const counts = this.#classes[request.rank] as OverloadClass
      if (event.what === 'first') {
        this.#gate.firstContent(place, nowMs)
        counts.firstTokensMs.push(nowMs - request.arrivedMs)
      } else {
        this.#gate.ended(place, 'answered', nowMs)
        counts.answered++
      }
    }
  }

  #expire(nowMs: number): void {
    for (let gone = this.#gate.expire(nowMs); gone !== undefined; gone = this.#gate.expire(nowMs))
      (this.#classes[gone.waiter.rank] as OverloadClass).waited++
  }

  #gapMs(rank: number, nowMs: number): number {
    const perSecond = (this.#scenario.perSecond[rank] ?? 0) * valueAt(this.#scenario.load, nowMs)
    return perSecond === 0 ? Number.POSITIVE_INFINITY : (-Math.log(1 - this.#random()) * 1000) / perSecond
  }

  /** Box and Muller. */
  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random())
  }
}

function valueAt(steps: readonly (readonly [number, number])[] | undefined, nowMs: number): number {
  return steps?.findLast(([fromMs]) => fromMs <= nowMs)?.[1] ?? 1
}
