import { expect, test } from 'vitest'
import { ladder } from '../contracts/index.ts'
import { simulateLadder, standardScenarios } from './index.ts'

const policy = ladder.parse({
  rungs: [
    { kind: 'primary', name: 'full', quality: 1 },
    { kind: 'version', name: 'small', version: 'v-small', quality: 0.8 },
    { kind: 'static', name: 'sorry', quality: 0.1, text: 'Later, please.' },
  ],
  monthlyDegradedShare: 1,
})
const outcomes = Object.fromEntries(
  standardScenarios(policy).map((scenario) => [scenario.name, simulateLadder(policy, scenario, 50, 7)]),
)

test('without trouble the primary answers everything', () =>
  expect(outcomes['all is well']).toMatchObject({
    answered: { full: 1, small: 0, sorry: 0 },
    refused: 0,
    switches: 0,
  }))

test('when the primary is down everybody is answered, by the next, and it comes back by itself', () => {
  const down = outcomes['full is down']
  expect(down).toMatchObject({ refused: 0, answered: { sorry: 0 }, switches: 1 })
  // The fault lasts 180 of 420 s; a hold and the probes are added at its end.
  expect(down?.answered.small).toBeGreaterThan(180 / 420)
  expect(down?.answered.small).toBeLessThan(200 / 420)
  // Half of a 10 s window has failed once the fault is 10 s old at the latest.
  expect(down?.setAsideAfterMs).toBeLessThanOrEqual(10_000)
  expect(down?.backAfterMs).toBeGreaterThan(0)
  expect(down?.backAfterMs).toBeLessThanOrEqual(10_000)
})

test('a rate below the threshold costs a second try, not the primary', () =>
  expect(outcomes['full fails every third request']).toMatchObject({
    switches: 0,
    refused: 0,
    setAsideAfterMs: null,
  }))

test('when nothing that computes answers, the fixed text does', () => {
  const nothing = outcomes['nothing that computes answers']
  expect(nothing?.refused).toBe(0)
  expect(nothing?.answered.sorry).toBeGreaterThan(0.4)
})

test('the same seed gives the same run', () => {
  const [, scenario] = standardScenarios(policy)
  if (scenario === undefined) throw new TypeError('no scenario')
  expect(simulateLadder(policy, scenario, 50, 3)).toEqual(simulateLadder(policy, scenario, 50, 3))
})
