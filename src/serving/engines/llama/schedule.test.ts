import { fc, test as prop } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { AGE_MS, retryAfterMs, serviceOrder, type Waiting } from './schedule.ts'

interface Named extends Waiting {
  readonly name: string
}
const one = (name: string, more: Partial<Waiting> = {}): Named => ({
  name,
  priority: 1,
  arrivedMs: 0,
  deadlineAtMs: Number.POSITIVE_INFINITY,
  isCancelled: false,
  ...more,
})

test.each<[string, Named[], number, string[]]>([
  ['first come, first served', [one('b', { arrivedMs: 2 }), one('a', { arrivedMs: 1 })], 5, ['a', 'b']],
  ['what is urgent goes first', [one('a'), one('b', { priority: 0, arrivedMs: 3 })], 5, ['b', 'a']],
  ['of what came together, in the order of coming', [one('a'), one('b'), one('c')], 5, ['a', 'b', 'c']],
  [
    'nobody waits beyond a deadline',
    [one('a', { deadlineAtMs: 5 }), one('b', { deadlineAtMs: 6 })],
    5,
    ['b'],
  ],
  ['what nobody wants is not served', [one('a', { isCancelled: true }), one('b')], 5, ['b']],
  [
    'who waited long enough counts as more urgent',
    [one('urgent', { priority: 0, arrivedMs: AGE_MS }), one('old', { priority: 1, arrivedMs: 0 })],
    AGE_MS,
    ['old', 'urgent'],
  ],
])('%s', (_, waiting, nowMs, expected) => {
  expect(serviceOrder(waiting, nowMs).map(({ name }) => name)).toEqual(expected)
})

const arrivals = fc.array(
  fc.record({
    priority: fc.integer({ min: 0, max: 3 }),
    arrivedMs: fc.integer({ min: 0, max: 50_000 }),
    deadlineAtMs: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 0, max: 100_000 })),
    isCancelled: fc.boolean(),
  }),
  { maxLength: 30 },
)

prop.prop([arrivals, fc.integer({ min: 50_000, max: 60_000 })])(
  'each that is still wanted is there once, and within a class nobody overtakes',
  (waiting, nowMs) => {
    const order = serviceOrder(waiting, nowMs)
    expect(new Set(order)).toEqual(
      new Set(waiting.filter((work) => !work.isCancelled && work.deadlineAtMs > nowMs)),
    )
    expect(order).toHaveLength(new Set(order).size)
    for (const priority of [0, 1, 2, 3]) {
      const times = order.filter((work) => work.priority === priority).map(({ arrivedMs }) => arrivedMs)
      expect(times).toEqual([...times].sort((left, right) => left - right))
    }
  },
)

// Virtual time: an urgent request comes at every tick, and one is served at every tick.
prop.prop([fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1000, max: 4000 })])(
  'a stream of urgent work starves nobody',
  (priority, tickMs) => {
    const patient = one('patient', { priority })
    let waiting: Named[] = [patient]
    let nowMs = 0
    while (waiting.includes(patient)) {
      expect(nowMs).toBeLessThanOrEqual((priority + 1) * AGE_MS + tickMs)
      waiting.push(one('urgent', { priority: 0, arrivedMs: nowMs }))
      const [served] = serviceOrder(waiting, nowMs)
      waiting = waiting.filter((work) => work !== served)
      nowMs += tickMs
    }
  },
)

test.each([
  [1000, 4, 250],
  [1, 4, 50],
  [1e9, 1, 60_000],
])('usually %i ms over %i sequences: come back in %i ms', (usualMs, sequences, expected) => {
  expect(retryAfterMs(usualMs, sequences)).toBe(expected)
})
