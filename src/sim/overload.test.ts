import { describe, expect, test } from 'vitest'
import { overloadPolicy, priorityClass } from '../contracts/index.ts'
import { limitLaw, type OverloadOutcome, type OverloadScenario, simulateOverload } from './index.ts'

const policy = overloadPolicy.parse({})
const settings = { ...policy, classes: priorityClass.options.map((name) => policy.classes[name]) }
const WRITING_MS = 3000
const FIRST_TOKEN_MS = 300

/** `load` times what the upstream can do, split over the four classes. */
function scenario(slots: number, load: number, more: Partial<OverloadScenario> = {}): OverloadScenario {
  const perSecond = (1000 * slots) / (WRITING_MS + FIRST_TOKEN_MS)
  return {
    slots,
    firstTokenMs: FIRST_TOKEN_MS,
    firstTokenSpread: 0.5,
    writingMs: WRITING_MS,
    perSecond: [0.2, 0.3, 0.25, 0.25].map((share) => share * perSecond * load),
    deadlineMs: 60_000,
    lastsMs: 400_000,
    ...more,
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const answered = ({ classes }: OverloadOutcome) => classes.map((each) => each.answered / each.arrived)

describe.each([[20], [100]])('at three times what %i slots can do', (slots) => {
  const outcomes = [1, 2, 3].map((seed) => simulateOverload(settings, scenario(slots, 3), seed))

  test('the limit finds them: between 1 and 1.75 times so many, with all at work', () => {
    for (const { busy, limits } of outcomes) {
      expect(mean(limits.slice(120)) / slots).toBeGreaterThanOrEqual(1)
      expect(mean(limits.slice(120)) / slots).toBeLessThanOrEqual(1.75)
      expect(mean(busy.slice(120))).toBeGreaterThan(0.95)
    }
  })

  test('the first class is answered, the last is refused, and none waits long for nothing', () => {
    for (const outcome of outcomes) {
      const [paid = 0, , bestEffort = 1, batch = 1] = answered(outcome)
      expect(paid).toBeGreaterThan(0.97)
      expect(Math.max(bestEffort, batch)).toBeLessThan(0.1)
      // Of those who got no answer nearly all were told so when they came.
      const last = outcome.classes.at(-1)
      expect(last?.waited).toBeLessThan(0.1 * (last?.refused ?? 0))
    }
  })

  test('never is more at the upstream than the limit when one starts, and queues are bounded', () => {
    const mostQueued = settings.classes.reduce((sum, { maxQueued }) => sum + maxQueued, 0)
    for (const outcome of outcomes) {
      expect(outcome.mostOverLimit).toBeLessThanOrEqual(0)
      expect(outcome.mostQueued).toBeLessThanOrEqual(mostQueued)
    }
  })
})

test('below what the upstream can do nobody is refused', () => {
  const outcome = simulateOverload(settings, scenario(20, 0.5), 4)
  // The first seconds, from cold, excepted.
  expect(Math.min(...answered(outcome))).toBeGreaterThan(0.97)
})

test('a slow phase takes the limit down, and after it all is as it was', () => {
  const slow = scenario(20, 3, {
    lastsMs: 700_000,
    slowness: [
      [0, 1],
      [300_000, 4],
      [400_000, 1],
    ],
  })
  for (const seed of [1, 2]) {
    const { busy, limits } = simulateOverload(settings, slow, seed)
    const before = mean(limits.slice(120, 300))
    expect(Math.min(...limits.slice(310, 400))).toBeLessThan(0.9 * before)
    expect(mean(limits.slice(500)) / before).toBeGreaterThan(0.8)
    expect(mean(limits.slice(500)) / before).toBeLessThan(1.3)
    expect(mean(busy.slice(500))).toBeGreaterThan(0.95)
  }
})

test('a burst passes: after it nobody is refused', () => {
  const burst = scenario(20, 0.6, {
    load: [
      [0, 1],
      [100_000, 6],
      [160_000, 1],
    ],
    lastsMs: 160_000,
  })
  const during = simulateOverload(settings, burst, 5)
  const whole = simulateOverload(settings, { ...burst, lastsMs: 400_000 }, 5)
  const refused = ({ classes }: OverloadOutcome) =>
    classes.reduce((sum, each) => sum + each.refused + each.waited, 0)
  expect(refused(during)).toBeGreaterThan(100)
  const after =
    whole.classes.reduce((sum, each) => sum + each.arrived, 0) -
    during.classes.reduce((sum, each) => sum + each.arrived, 0)
  expect((refused(whole) - refused(during)) / after).toBeLessThan(0.03)
})

test.each([['gradient2'], ['vegas'], ['aimd']] as const)(
  'why not %s: of 100 slots it leaves a third idle under the same load',
  (name) => {
    const { busy } = simulateOverload(settings, scenario(100, 3), 1, limitLaw(name, settings))
    expect(mean(busy.slice(120))).toBeLessThan(0.67)
  },
)

test('the same seed gives the same run', () => {
  const short = scenario(20, 2, { lastsMs: 20_000 })
  expect(simulateOverload(settings, short, 9)).toEqual(simulateOverload(settings, short, 9))
})
