import { expect, test } from 'vitest'
import { seededRandom } from '../../../kernel/index.ts'
import { erlangQuantile, PlaceRate } from './predicted-start.ts'

/** Of the gamma law of that shape; scipy.stats.gamma.ppf(0.9, k) and (0.5, k). */
test.each([
  [1, 0.9, Math.LN10],
  [2, 0.9, 3.88972],
  [5, 0.9, 7.99359],
  [50, 0.9, 59.249],
  [2, 0.5, 1.67835],
  [5, 0.5, 4.67091],
])('the quantile of %i gaps at %d', (count, quantile, expected) => {
  expect(Math.abs(erlangQuantile(count, quantile) / expected - 1)).toBeLessThan(0.02)
})

test('nothing is predicted before enough places were given back', () => {
  const rate = new PlaceRate()
  for (let count = 0; count < 7; count++) rate.ended(1000)
  expect(rate.startsInMs(100, 0, 1, 0.9, 0)).toBe(0)
  rate.ended(1000)
  expect(rate.startsInMs(100, 0, 1, 0.9, 0)).toBeGreaterThan(100_000)
})

test('one who is promised a start with 90 % is late in a tenth of the cases', () => {
  const random = seededRandom(11)
  const exponential = (meanMs: number) => -Math.log(1 - random()) * meanMs
  const rate = new PlaceRate()
  for (let count = 0; count < 500; count++) rate.ended(exponential(800))
  const [ahead, places] = [6, 4]
  const promisedMs = rate.startsInMs(ahead, 0, places, 0.9, 0)
  let late = 0
  for (let run = 0; run < 4000; run++) {
    let waitedMs = 0
    for (let gap = 0; gap <= ahead; gap++) waitedMs += exponential(800 / places)
    if (waitedMs > promisedMs) late++
  }
  // The mean hold is of 64 samples: its error of an eighth moves the tenth to between 4 and 20 %.
  expect(late / 4000).toBeGreaterThan(0.04)
  expect(late / 4000).toBeLessThan(0.2)
})

test('who arrives in higher classes meanwhile goes first', () => {
  const rate = new PlaceRate()
  for (let count = 0; count < 20; count++) rate.ended(1000)
  // Two a second come free; one a second goes to the first class.
  for (let nowMs = 0; nowMs < 60_000; nowMs += 1000) rate.arrived(0, nowMs)
  const own = rate.startsInMs(3, 0, 2, 0.5, 60_000)
  const lower = rate.startsInMs(3, 1, 2, 0.5, 60_000)
  expect(lower / own).toBeGreaterThan(1.7)
  expect(lower / own).toBeLessThan(2.3)
  // Without arrivals for a minute nobody of them is expected.
  expect(rate.startsInMs(3, 1, 2, 0.5, 120_000) / own).toBeLessThan(1.01)
})
