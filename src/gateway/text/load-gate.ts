import type { Clock } from '../../kernel/index.ts'
import {
  type GatePlace,
  type GateRefusal,
  type GateSettings,
  PlaceGate,
  type Waiter,
} from '../../routing/index.ts'

/** Who waits for a place hears of it exactly once, unless it left. */
export interface PlaceSeeker extends Waiter {
  placed(place: GatePlace): void
  notPlaced(refusal: GateRefusal): void
}

/** The gate of one version at work: hands out places as they come free, and turns away who waited too long. */
export class LoadGate {
  readonly #gate: PlaceGate<PlaceSeeker>
  readonly #clock: Clock
  #timer: NodeJS.Timeout | undefined
  #timerMs = Number.POSITIVE_INFINITY
  #isTurning = false

  constructor(settings: GateSettings, clock: Clock) {
    this.#gate = new PlaceGate(settings)
    this.#clock = clock
  }

  /** A place or a refusal at once, or `queued`: then the seeker is told. */
  enter(seeker: PlaceSeeker): GatePlace | 'queued' | GateRefusal {
    this.#turn()
    const answer = this.#gate.arrive(seeker, this.#clock.monotonicMs())
    if (answer === 'queued') this.#arm()
    return answer
  }

  leave(seeker: PlaceSeeker): void {
    this.#gate.leave(seeker)
    this.#turn()
  }

  /** For a second attempt: only where a place is free and nobody waits. */
  spare(rank: number): GatePlace | undefined {
    return this.#gate.spare(rank, this.#clock.monotonicMs())
  }

  /** @param ttftMs as the upstream told it; else until now. */
  firstContent(place: GatePlace, ttftMs?: number): void {
    this.#gate.firstContent(place, this.#clock.monotonicMs(), ttftMs)
    // The limit may have grown.
    this.#turn()
  }

  ended(place: GatePlace, how: 'answered' | 'overloaded' | 'unused'): void {
    this.#gate.ended(place, how, this.#clock.monotonicMs())
    this.#turn()
  }

  view(rank: number) {
    const gate = this.#gate
    return {
      limit: gate.capOf(rank, this.#clock.monotonicMs()),
      inFlight: gate.inFlight(rank),
      queued: gate.queued(rank),
    }
  }

  get limit(): number {
    return this.#gate.limit
  }

  /** Whoever is told may end, leave or enter meanwhile; that is taken up by the same turn. */
  #turn(): void {
    if (this.#isTurning) return
    this.#isTurning = true
    try {
      const nowMs = this.#clock.monotonicMs()
      for (;;) {
        const gone = this.#gate.expire(nowMs)
        if (gone !== undefined) {
          gone.waiter.notPlaced(gone.refusal)
          continue
        }
        const next = this.#gate.next(nowMs)
        if (next === undefined) break
        next.waiter.placed(next.place)
      }
    } finally {
      this.#isTurning = false
    }
    this.#arm()
  }

  #arm(): void {
    const { dueMs } = this.#gate
    if (dueMs >= this.#timerMs) return
    clearTimeout(this.#timer)
    this.#timerMs = dueMs
    this.#timer = setTimeout(
      () => {
        this.#timerMs = Number.POSITIVE_INFINITY
        this.#turn()
      },
      Math.max(1, Math.ceil(dueMs - this.#clock.monotonicMs())),
    ).unref()
  }
}
