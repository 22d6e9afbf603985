import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { HedgeLaw } from './hedge-law.ts'

const heard = (law: HedgeLaw, ttfts: readonly number[], nowMs = 0) => {
  for (const ttft of ttfts) law.firstContent(ttft, nowMs)
}
const hundred = Array.from({ length: 100 }, (_, index) => 10 * (index + 1))

describe('the time to hedge', () => {
  test('is not known before twenty first tokens were seen', () => {
    const law = new HedgeLaw({ afterQuantile: 0.95, budgetShare: 0.5 })
    heard(law, hundred.slice(0, 19))
    expect(law.request(1)).toBeUndefined()
    heard(law, [100])
    expect(law.request(2)).toBeGreaterThan(0)
  })

  test('is the quantile of what was seen, to a bucket of 4.4 %', () => {
    const law = new HedgeLaw({ afterQuantile: 0.95, budgetShare: 0.5 })
    heard(law, hundred)
    const afterMs = law.request(1) as number
    expect(afterMs).toBeGreaterThanOrEqual(950)
    expect(afterMs).toBeLessThanOrEqual(950 * 1.045)
  })

  test('follows what was seen lately: two minutes on, the old is forgotten', () => {
    const law = new HedgeLaw({ afterQuantile: 0.9, budgetShare: 0.5 })
    heard(law, hundred)
    heard(
      law,
      hundred.map((ttft) => ttft / 10),
      61_000,
    )
    heard(
      law,
      hundred.map((ttft) => ttft / 10),
      122_000,
    )
    expect(law.request(122_001)).toBeLessThan(100)
    expect(law.request(400_000)).toBeUndefined()
  })
})

describe('the budget', () => {
  property.prop([
    fc.double({ min: 0, max: 0.5, noNaN: true }),
    fc.array(fc.boolean(), { minLength: 1, maxLength: 400 }),
  ])('never gives more hedges than its share of the requests', (budgetShare, asks) => {
    const law = new HedgeLaw({ afterQuantile: 0.95, budgetShare })
    let hedges = 0
    for (const [index, wants] of asks.entries()) {
      law.request(index)
      if (wants && law.take()) hedges++
      expect(hedges).toBeLessThanOrEqual(budgetShare * (index + 1) + 1e-6)
    }
  })

  test('is all of the share where there is that much to hedge', () => {
    const law = new HedgeLaw({ afterQuantile: 0.95, budgetShare: 0.02 })
    let hedges = 0
    for (let count = 0; count < 1000; count++) {
      law.request(count)
      if (law.take()) hedges++
    }
    expect(hedges).toBe(20)
  })

  test('saves up ten at most', () => {
    const law = new HedgeLaw({ afterQuantile: 0.95, budgetShare: 0.5 })
    for (let count = 0; count < 1000; count++) law.request(count)
    let hedges = 0
    while (law.take()) hedges++
    expect(hedges).toBe(10)
  })
})
