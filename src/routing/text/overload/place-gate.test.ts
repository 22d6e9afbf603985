import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import type { LimitLaw } from './concurrency-limit.ts'
import { type GatePlace, type GateSettings, PlaceGate, type Waiter } from './place-gate.ts'

const settings: GateSettings = {
  ttftFactor: 2,
  initialConcurrency: 8,
  minConcurrency: 1,
  maxConcurrency: 64,
  reserveShare: 0.1,
  predictQuantile: 0.9,
  classes: [
    { maxQueued: 4, maxWaitMs: 3000 },
    { maxQueued: 3, maxWaitMs: 2000 },
    { maxQueued: 2, maxWaitMs: 1000 },
    { maxQueued: 2, maxWaitMs: 1000 },
  ],
}
const [PAID, INTERACTIVE, BEST_EFFORT, BATCH] = [0, 1, 2, 3] as const

/** A limit that a test sets; the rest of the gate is as it is. */
class SetLimit implements LimitLaw {
  limit: number
  constructor(limit: number) {
    this.limit = limit
  }
  baselineMs(): undefined {}
  sample(): void {}
  overloaded(): void {}
}

interface Seeker extends Waiter {
  readonly id: number
}
let ids = 0
const seeker = (rank: number, deadlineMs = 1e9): Seeker => ({ id: ids++, rank, deadlineMs })
const gateOf = (limit: number, more: Partial<GateSettings> = {}) =>
  new PlaceGate<Seeker>({ ...settings, ...more }, new SetLimit(limit))
const places = (gate: PlaceGate<Seeker>, rank: number, count: number, nowMs = 0) =>
  Array.from({ length: count }, () => gate.arrive(seeker(rank), nowMs) as GatePlace)

describe('a gate', () => {
  test('gives a silent house to whoever comes, whole', () => {
    const gate = gateOf(10)
    expect(places(gate, BATCH, 10).every((place) => 'startedMs' in place)).toBe(true)
    expect(gate.arrive(seeker(BATCH), 0)).toBe('queued')
  })

  test('keeps a share of the places from lower classes for each higher one that has requests', () => {
    const gate = gateOf(20)
    places(gate, PAID, 1)
    places(gate, INTERACTIVE, 1)
    expect([PAID, INTERACTIVE, BEST_EFFORT, BATCH].map((rank) => gate.capOf(rank, 0))).toEqual([
      20, 18, 16, 16,
    ])
    places(gate, BATCH, 14)
    expect(gate.arrive(seeker(BATCH), 0)).toBe('queued')
    expect(gate.arrive(seeker(PAID), 0)).toMatchObject({ inFlight: 17 })
  })

  test('keeps nothing for classes that were silent for ten seconds', () => {
    const gate = gateOf(20)
    const [place] = places(gate, PAID, 1)
    gate.ended(place as GatePlace, 'answered', 100)
    expect(gate.capOf(BATCH, 9999)).toBe(18)
    expect(gate.capOf(BATCH, 10_000)).toBe(20)
  })

  test('serves who waits by class, then by arrival', () => {
    const gate = gateOf(1)
    const [first] = places(gate, PAID, 1)
    const waiting = [BATCH, INTERACTIVE, PAID, INTERACTIVE].map((rank) => seeker(rank))
    for (const each of waiting) expect(gate.arrive(each, 0)).toBe('queued')
    const served: number[] = []
    let place = first as GatePlace
    for (let nowMs = 1; nowMs <= 4; nowMs++) {
      gate.ended(place, 'unused', nowMs)
      const next = gate.next(nowMs)
      place = next?.place as GatePlace
      served.push(waiting.indexOf(next?.waiter as Seeker))
    }
    expect(served).toEqual([2, 1, 3, 0])
  })

  test('refuses at arrival what would start too late, and says when it would have', () => {
    const gate = gateOf(2)
    // Ten that took a second each: two places come free in a second.
    for (let second = 0; second < 5; second++)
      for (const place of places(gate, PAID, 2, second * 1000))
        gate.ended(place, 'answered', second * 1000 + 1000)
    places(gate, PAID, 2, 5000)
    // The 90 % quantile of one exponential gap of 500 ms is 500 · ln 10 = 1151 ms.
    expect(gate.arrive(seeker(PAID, 5000 + 1100), 5000)).toEqual({ reason: 'predicted', retryAfterMs: 1152 })
    expect(gate.arrive(seeker(PAID, 5000 + 1200), 5000)).toBe('queued')
    // Two gaps: 500 · 3.89 = 1945 ms (Erlang of shape 2).
    const late = gate.arrive(seeker(PAID, 5000 + 1300), 5000)
    expect(late).toMatchObject({ reason: 'predicted' })
    expect((late as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(1850)
    expect((late as { retryAfterMs: number }).retryAfterMs).toBeLessThan(2050)
  })

  test('sends lower classes away at once where higher ones take all that comes free', () => {
    const gate = gateOf(2)
    for (let second = 0; second < 20; second++)
      for (const place of places(gate, PAID, 2, second * 1000))
        gate.ended(place, 'answered', second * 1000 + 1000)
    places(gate, PAID, 2, 20_000)
    expect(gate.arrive(seeker(BATCH), 20_000)).toEqual({ reason: 'predicted', retryAfterMs: 60_000 })
    expect(gate.arrive(seeker(PAID), 20_000)).toBe('queued')
  })

  test('lets no more wait than the class may', () => {
    const gate = gateOf(1)
    places(gate, PAID, 1)
    for (let count = 0; count < 2; count++) expect(gate.arrive(seeker(BATCH), 0)).toBe('queued')
    expect(gate.arrive(seeker(BATCH), 0)).toMatchObject({ reason: 'queue-full' })
    expect(gate.arrive(seeker(INTERACTIVE), 0)).toBe('queued')
  })

  test('gives no place to one whose time is over, though nobody has told it yet', () => {
    const gate = gateOf(1)
    const [place] = places(gate, PAID, 1)
    const [late, inTime] = [seeker(PAID, 50), seeker(BATCH)]
    gate.arrive(late, 0)
    gate.arrive(inTime, 0)
    gate.ended(place as GatePlace, 'unused', 60)
    expect(gate.next(60)?.waiter).toBe(inTime)
    expect(gate.expire(60)).toMatchObject({ waiter: late, refusal: { reason: 'waited' } })
  })

  test('has a place for a second attempt only where nobody waits', () => {
    const gate = gateOf(2)
    places(gate, PAID, 1)
    const spare = gate.spare(PAID, 0)
    expect(spare).toBeDefined()
    gate.arrive(seeker(BATCH), 0)
    gate.ended(spare as GatePlace, 'unused', 1)
    expect(gate.spare(PAID, 1)).toBeUndefined()
  })
})

type Step =
  | { readonly do: 'arrive'; readonly rank: number; readonly withinMs: number }
  | { readonly do: 'content' | 'end' | 'overloaded' | 'unused' | 'leave' | 'spare'; readonly at: number }
  | { readonly do: 'pass'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('arrive' as const), rank: fc.nat(3), withinMs: fc.nat(4000) }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constantFrom('content', 'end', 'end', 'end', 'overloaded', 'unused', 'leave', 'spare'),
      at: fc.nat(1000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(1500) }) },
)

/** The gate beside a plain list of who waits and who is placed. */
class Beside {
  readonly gate = new PlaceGate<Seeker>(settings)
  readonly waiting: { seeker: Seeker; dueMs: number }[] = []
  readonly placed: GatePlace[] = []
  readonly fates = new Map<number, number>()
  nowMs = 0

  take(step: Step): void {
    if (step.do === 'pass') this.nowMs += step.ms
    else if (step.do === 'arrive') this.#arrive(seeker(step.rank, this.nowMs + step.withinMs))
    else if (step.do === 'spare') {
      const place = this.gate.spare(step.at % 4, this.nowMs)
      if (place !== undefined) this.#place(place)
    } else if (step.do === 'leave') {
      const [gone] = this.waiting.splice(step.at % Math.max(1, this.waiting.length), 1)
      if (gone !== undefined) {
        expect(this.gate.leave(gone.seeker)).toBe(true)
        this.#fate(gone.seeker)
      }
    } else {
      const place = this.placed[step.at % Math.max(1, this.placed.length)]
      if (place === undefined) return
      if (step.do === 'content') this.gate.firstContent(place, this.nowMs)
      else {
        this.placed.splice(this.placed.indexOf(place), 1)
        this.gate.ended(place, step.do === 'end' ? 'answered' : step.do, this.nowMs)
      }
    }
    this.#turn()
    this.#check()
  }

  #arrive(each: Seeker): void {
    const answer = this.gate.arrive(each, this.nowMs)
    if (answer === 'queued') {
      const { maxWaitMs } = settings.classes[each.rank] as { maxWaitMs: number }
      this.waiting.push({ seeker: each, dueMs: Math.min(each.deadlineMs, this.nowMs + maxWaitMs) })
    } else {
      this.#fate(each)
      if ('reason' in answer) expect(answer.retryAfterMs).toBeGreaterThanOrEqual(100)
      else {
        expect(this.#alive().filter(({ seeker: { rank } }) => rank <= each.rank)).toEqual([])
        this.#place(answer)
      }
    }
  }

  #turn(): void {
    for (let gone = this.gate.expire(this.nowMs); gone !== undefined; gone = this.gate.expire(this.nowMs)) {
      const { waiter } = gone
      const at = this.waiting.findIndex((each) => each.seeker === waiter)
      expect(this.waiting[at]?.dueMs).toBeLessThanOrEqual(this.nowMs)
      this.waiting.splice(at, 1)
      this.#fate(waiter)
    }
    for (let next = this.gate.next(this.nowMs); next !== undefined; next = this.gate.next(this.nowMs)) {
      const { place, waiter } = next
      // By class, then by arrival; nobody past its time costs a place.
      const first = this.#alive().toSorted((left, right) => left.seeker.rank - right.seeker.rank)[0]
      expect(waiter).toBe(first?.seeker)
      this.waiting.splice(
        this.waiting.findIndex((each) => each.seeker === waiter),
        1,
      )
      this.#fate(waiter)
      this.#place(place)
    }
  }

  #place(place: GatePlace): void {
    this.placed.push(place)
    expect(this.placed.length).toBeLessThanOrEqual(this.gate.limit)
    expect(this.placed.length).toBeLessThanOrEqual(this.gate.capOf(place.rank, this.nowMs))
  }

  #check(): void {
    const { gate, nowMs, placed, waiting } = this
    expect(gate.inFlightInAll).toBe(placed.length)
    expect(gate.queuedInAll).toBe(waiting.length)
    for (const [rank, { maxQueued }] of settings.classes.entries()) {
      expect(gate.inFlight(rank)).toBe(placed.filter((place) => place.rank === rank).length)
      expect(gate.queued(rank)).toBeLessThanOrEqual(maxQueued)
    }
    // Work conserving: whoever waits does so because all that its class may have is taken.
    const first = Math.min(...waiting.map(({ seeker: { rank } }) => rank))
    if (waiting.length > 0) expect(placed.length).toBeGreaterThanOrEqual(gate.capOf(first, nowMs))
    expect(gate.dueMs).toBe(Math.min(...waiting.map(({ dueMs }) => dueMs)))
  }

  #alive() {
    return this.waiting.filter(({ dueMs }) => dueMs > this.nowMs)
  }

  #fate({ id }: Seeker): void {
    this.fates.set(id, (this.fates.get(id) ?? 0) + 1)
    expect(this.fates.get(id)).toBe(1)
  }
}

describe('whatever comes and goes', () => {
  property.prop([fc.array(step, { maxLength: 120 })], { numRuns: 1000 })(
    'the limit holds, higher classes go first, no place is idle while somebody may have it, and queues are bounded',
    (steps) => {
      const beside = new Beside()
      for (const each of steps) beside.take(each)
    },
  )
})
