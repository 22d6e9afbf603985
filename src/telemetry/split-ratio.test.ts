import { expect, test } from 'vitest'
import { seededRandom } from '../kernel/index.ts'
import { readSplit } from './split-ratio.ts'

test.each<[string, Record<string, number>, Record<string, number>, boolean | undefined]>([
  ['too few units to say', { v1: 4, v2: 3 }, { v1: 50, v2: 50 }, undefined],
  ['too few of the small arm', { v1: 400, v2: 0 }, { v1: 99, v2: 1 }, undefined],
  ['nobody', {}, { v1: 100 }, undefined],
  ['as intended', { v1: 5030, v2: 4970 }, { v1: 50, v2: 50 }, false],
  ['a canary as intended', { v1: 9903, v2: 97 }, { v1: 99, v2: 1 }, false],
  ['62 % instead of 50', { v1: 620, v2: 380 }, { v1: 50, v2: 50 }, true],
  ['a canary that gets nothing', { v1: 10_000 }, { v1: 99, v2: 1 }, true],
  ['shares in parts of a percent', { v1: 99_901, v2: 99 }, { v1: 99.9, v2: 0.1 }, false],
  ['one version, all on it', { v1: 1000 }, { v1: 100, v2: 0 }, false],
  ['one version, many elsewhere', { v1: 900, v2: 100 }, { v1: 100 }, true],
  ['one version, stragglers elsewhere', { v1: 1000, v2: 5 }, { v1: 100 }, false],
])('%s', (_, units, shares, isBroken) => {
  expect(readSplit(new Map(Object.entries(units)), shares)?.isBroken).toBe(isBroken)
})

test('it says what is and what was meant', () => {
  const reading = readSplit(
    new Map([
      ['v1', 620],
      ['v2', 380],
    ]),
    { v1: 50, v2: 50 },
  )
  expect(reading).toMatchObject({ units: 1000, says: 'v1 62.0 % (meant 50 %), v2 38.0 % (meant 50 %)' })
})

test('a sound split is not called broken in 2,000 lives of four readings', () => {
  const random = seededRandom(11)
  let alarms = 0
  for (let life = 0; life < 2000; life++) {
    let candidate = 0
    for (let units = 0, next = 512; units <= 4096; units++) {
      if (units === next) {
        next *= 2
        const counts = new Map([
          ['v1', units - candidate],
          ['v2', candidate],
        ])
        if (readSplit(counts, { v1: 75, v2: 25 })?.isBroken) alarms++
      }
      if (random() < 0.25) candidate++
    }
  }
  // 2,000 lives · 4 readings · 1e-4 = 0.8 expected; more than 5 has a chance of 1 in 5,000.
  expect(alarms).toBeLessThanOrEqual(5)
})
