import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { Admission } from './index.ts'

const limits = (requestsPerSecond: number | null, concurrency: number | null = null) => ({
  requestsPerSecond,
  concurrency,
})

describe('the rate of a key', () => {
  property.prop([
    fc.double({ min: 0.1, max: 500, noNaN: true }),
    fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { maxLength: 300 }),
  ])('no window admits more than its burst and its rate, and the wait it tells is enough', (rate, gapsMs) => {
    const admission = new Admission(1e9)
    const budget = admission.budgetOf('k', limits(rate))
    const admitted: number[] = []
    let nowMs = 0
    for (const gapMs of gapsMs) {
      nowMs += gapMs
      const refusal = admission.admit(budget, nowMs)
      if (refusal === undefined) admitted.push(nowMs)
      else {
        nowMs += refusal.retryAfterMs
        expect(admission.admit(budget, nowMs)).toBeUndefined()
        admitted.push(nowMs)
      }
    }
    const burst = Math.max(1, rate)
    for (const [index, startMs] of admitted.entries()) {
      const last = admitted.at(-1) as number
      expect(admitted.length - index).toBeLessThanOrEqual(burst + ((last - startMs) * rate) / 1000 + 1.001)
    }
  })

  test('says how long to wait', () => {
    const admission = new Admission(100)
    const budget = admission.budgetOf('k', limits(2))
    expect([1, 2, 3].map(() => admission.admit(budget, 0))).toEqual([
      undefined,
      undefined,
      { code: 'rate_limited', limit: 2, retryAfterMs: 500 },
    ])
    expect(admission.admit(budget, 500)).toBeUndefined()
  })

  test.each([
    ['back an hour', -3_600_000],
    ['forward an hour', 3_600_000],
  ])('a clock that jumps %s neither locks the key out nor lifts the limit', (_, jumpMs) => {
    const admission = new Admission(1000)
    const budget = admission.budgetOf('k', limits(10))
    for (let index = 0; index < 10; index++) admission.admit(budget, 1e7)
    const afterMs = 1e7 + jumpMs
    const admitted = Array.from({ length: 100 }, () => admission.admit(budget, afterMs + 200)).filter(
      (refusal) => refusal === undefined,
    )
    expect(admitted.length).toBeLessThanOrEqual(10)
    expect(admission.admit(budget, afterMs + 1300)).toBeUndefined()
  })

  test('a new snapshot refills nothing and may change the limit', () => {
    const admission = new Admission(100)
    admission.admit(admission.budgetOf('k', limits(1)), 0)
    expect(admission.admit(admission.budgetOf('k', limits(1)), 1)?.code).toBe('rate_limited')
    expect(admission.admit(admission.budgetOf('k', limits(100)), 11)).toBeUndefined()
  })

  test('one key does not spend what another has', () => {
    const admission = new Admission(100)
    const [left, right] = [admission.budgetOf('a', limits(1, 1)), admission.budgetOf('b', limits(1, 1))]
    admission.admit(left, 0)
    expect(admission.admit(left, 0)?.code).toBe('concurrency_limited')
    expect(admission.admit(right, 0)).toBeUndefined()
  })
})

describe('in flight', () => {
  test('a key holds no more than its own, and gets its place back', () => {
    const admission = new Admission(100)
    const budget = admission.budgetOf('k', limits(null, 2))
    admission.admit(budget, 0)
    admission.admit(budget, 0)
    expect(admission.admit(budget, 0)).toMatchObject({ code: 'concurrency_limited', limit: 2 })
    admission.release(budget)
    expect(admission.admit(budget, 0)).toBeUndefined()
  })

  test('the gateway is full for everybody, and a refused request costs its key nothing', () => {
    const admission = new Admission(1)
    const other = admission.budgetOf('other', limits(null))
    const budget = admission.budgetOf('k', limits(1))
    admission.admit(other, 0)
    expect(admission.admit(budget, 0)).toMatchObject({ code: 'overloaded', limit: 1 })
    admission.release(other)
    expect(admission.admit(budget, 0)).toBeUndefined()
  })

  test('keys that are gone are forgotten once idle', () => {
    const admission = new Admission(100)
    const budget = admission.budgetOf('k', limits(null, 1))
    admission.admit(budget, 0)
    admission.keepOnly(new Set())
    expect(admission.budgetOf('k', limits(null, 1))).toBe(budget)
    admission.release(budget)
    admission.keepOnly(new Set())
    expect(admission.budgetOf('k', limits(null, 1))).not.toBe(budget)
  })
})
