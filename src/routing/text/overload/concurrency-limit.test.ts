import { describe, expect, test } from 'vitest'
import { ConcurrencyLimit, type LimitSettings } from './concurrency-limit.ts'

const settings: LimitSettings = {
  ttftFactor: 2,
  initialConcurrency: 8,
  minConcurrency: 1,
  maxConcurrency: 100,
}

/** An upstream whose first tokens take 100 ms up to `knee` requests, and that much more per request beyond. */
class Steady {
  readonly limit: ConcurrencyLimit
  knee: number
  baseMs = 100
  nowMs = 0

  constructor(knee: number, more: Partial<LimitSettings> = {}) {
    this.limit = new ConcurrencyLimit({ ...settings, ...more })
    this.knee = knee
  }

  /** So many requests, with all that the limit allows at the upstream, or `load` where that is less. */
  send(count: number, load = Number.POSITIVE_INFINITY, rank = 0): this {
    for (let sent = 0; sent < count; sent++) {
      const inFlight = Math.min(this.limit.limit, load)
      const ttftMs = this.baseMs * (1 + Math.max(0, inFlight - this.knee))
      this.nowMs += ttftMs
      this.limit.sample({ rank, ttftMs, startedMs: this.nowMs - ttftMs, inFlight }, this.nowMs)
    }
    return this
  }
}

describe('the limit', () => {
  test('doubles from cold while first tokens are quick and places are used', () =>
    expect(new Steady(1000).send(8).limit.limit).toBe(16))

  test('does not grow where nobody uses what there is', () =>
    expect(new Steady(1000).send(500, 4).limit.limit).toBe(8))

  test('grows to its greatest and no further', () =>
    expect(new Steady(1000).send(2000).limit.limit).toBe(100))

  test.each([[12], [30], [70]])('settles near the %i that the upstream takes', (knee) => {
    const { limit } = new Steady(knee).send(3, 3).send(5000)
    expect(limit.limit).toBeGreaterThanOrEqual(0.9 * knee)
    expect(limit.limit).toBeLessThanOrEqual(1.4 * knee + 2)
  })

  test('sinks when the upstream gets slower, and comes back with it', () => {
    const steady = new Steady(30).send(3, 3).send(3000)
    const before = steady.limit.limit
    steady.knee = 10
    expect(steady.send(2000).limit.limit).toBeLessThan(15)
    steady.knee = 30
    expect(steady.send(5000).limit.limit).toBeGreaterThanOrEqual(before - 3)
  })

  test('takes what stays slow at little load for the upstream as it is now, and gives its places back', () => {
    const steady = new Steady(30).send(3, 3).send(3000)
    steady.baseMs = 1000
    let least = steady.limit.limit
    for (let count = 0; count < 500; count++) least = Math.min(least, steady.send(1).limit.limit)
    expect(least).toBeLessThan(10)
    steady.send(20_000)
    expect(steady.limit.baselineMs(0)).toBeGreaterThan(300)
    expect(steady.limit.limit).toBeGreaterThanOrEqual(20)
  })

  test('is not moved by what was sent before the last change', () => {
    const { limit, nowMs } = new Steady(1000).send(8)
    for (let count = 0; count < 100; count++)
      limit.sample({ rank: 0, ttftMs: 9999, startedMs: nowMs - 1, inFlight: 16 }, nowMs + 1)
    expect(limit.limit).toBe(16)
  })

  test('sinks once for all that an overloaded upstream turns away together', () => {
    const { limit, nowMs } = new Steady(1000).send(8)
    for (let count = 0; count < 10; count++) limit.overloaded(nowMs + 1, nowMs + 5)
    expect(limit.limit).toBe(12)
  })

  test('never leaves its bounds, whatever it hears', () => {
    const { limit, nowMs } = new Steady(1000, { minConcurrency: 3 }).send(8)
    for (let count = 1; count < 200; count++) limit.overloaded(nowMs + count, nowMs + count)
    expect(limit.limit).toBe(3)
  })

  test('holds each class against its own first tokens: long prompts are no load', () => {
    const steady = new Steady(1000).send(40, 4)
    steady.baseMs = 1000
    steady.send(40, 4, 3)
    expect(Math.round(steady.limit.baselineMs(0) ?? 0)).toBe(100)
    expect(Math.round(steady.limit.baselineMs(3) ?? 0)).toBe(1000)
    expect(steady.send(500, Number.POSITIVE_INFINITY, 3).limit.limit).toBe(100)
  })
})
