import { describe, expect, test } from 'vitest'
import { seededRandom } from '../kernel/index.ts'
import { tInterval, trimmedInterval } from '../stats/index.ts'
import { type PairsPlan, pairsWanted } from './enough-pairs.ts'

const plan: PairsPlan = { pairs: 12, mostPairs: 40, margin: 0.1, confidence: 0.95 }
const alternating = (spread: number, count = 12) =>
  Array.from({ length: count }, (_, index) => (index % 2 ? spread : -spread))

describe('how many pairs', () => {
  test.each<[string, number[], number]>([
    ['none yet', [], 12],
    ['not all of the first stage', alternating(0.9, 11), 12],
    ['calm pairs are enough', alternating(0.02), 12],
    ['pairs that differ ask for half as many again', alternating(0.1), 18],
    ['and are enough then', alternating(0.095, 18), 18],
    ['wild ones go on', alternating(0.9, 18), 27],
    ['and on', alternating(0.9, 27), 40],
    ['but not beyond the plan', alternating(0.9, 40), 40],
    ['what came after an end is not looked at', [...alternating(0.02), ...alternating(5)], 12],
    ['whatever their mean', alternating(0.02).map((ratio) => ratio + 3), 12],
    ['equal pairs are enough', alternating(0), 12],
    ['unanswered ones are no spread', [...alternating(0.02, 10), Number.POSITIVE_INFINITY, Number.NaN], 12],
  ])('%s', (_, ratios, wanted) => expect(pairsWanted(ratios, plan, tInterval)).toBe(wanted))

  test('a few wild pairs ask for more only where they widen the interval that judges', () => {
    const wild = [...alternating(0.02, 22), 2, -2]
    const cost = { ...plan, pairs: 24, mostPairs: 240 }
    expect(pairsWanted(wild, cost, trimmedInterval)).toBe(24)
    expect(pairsWanted(wild, cost, tInterval)).toBe(36)
  })
})

describe('stopping by the spread', () => {
  test.each([
    ['calm', 0.05],
    ['busy', 0.1],
    ['very busy', 0.2],
  ])('keeps the level of the interval on a %s machine, and finds equal versions no worse', (_, spread) => {
    const cost: PairsPlan = { pairs: 24, mostPairs: 240, margin: 0.05, confidence: 0.95 }
    const random = seededRandom(11)
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    const runs = 600
    let missed = 0
    let found = 0
    for (let run = 0; run < runs; run++) {
      const ratios: number[] = []
      let wanted = cost.pairs
      while (ratios.length < wanted) {
        while (ratios.length < wanted) ratios.push(spread * normal())
        wanted = pairsWanted(ratios, cost, trimmedInterval)
      }
      const { lower, upper } = trimmedInterval(ratios, cost.confidence)
      if (lower > 0 || upper < 0) missed++
      if (upper < Math.log1p(cost.margin)) found++
    }
    // 6.5 % and three standard errors of 600 runs.
    expect(missed / runs).toBeLessThan(0.065 + 3 * Math.sqrt((0.065 * 0.935) / runs))
    expect(found / runs).toBeGreaterThan(0.9)
  })
})
