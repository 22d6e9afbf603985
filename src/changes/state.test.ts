import { fc, test as property } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { type ChangeEventType, type ChangeState, changeEventType, changeState } from '../contracts/index.ts'
import { FINAL_STATES, isRefusal, next } from './state.ts'

const walk = (events: readonly ChangeEventType[], from: ChangeState = 'draft'): ChangeState =>
  events.reduce<ChangeState>((state, event) => {
    const after = next(state, event)
    return isRefusal(after) ? state : after
  }, from)

const checked: ChangeEventType[] = [
  'change-proposed',
  'checking-started',
  'check-started',
  'check-finished',
  'gate-decided',
  'verdict-reached',
  'gate-decided',
  'staging-started',
  'staging-finished',
  'gate-decided',
]

test.each<[string, ChangeEventType[], ChangeState]>([
  [
    'the whole way',
    [
      ...checked,
      'sign-off-requested',
      'sign-off-given',
      'gate-decided',
      'canary-started',
      'step-promoted',
      'canary-finished',
      'champion-replaced',
      'change-closed',
    ],
    'done',
  ],
  ['without sign-offs', [...checked, 'canary-started', 'canary-finished'], 'live'],
  [
    'rolled back in the canary',
    [...checked, 'canary-started', 'traffic-rolled-back', 'incident-opened', 'change-closed'],
    'rolled-back',
  ],
  [
    'rolled back while the old version is kept',
    [...checked, 'canary-started', 'canary-finished', 'traffic-rolled-back'],
    'rolled-back',
  ],
  ['blocked by a gate', ['change-proposed', 'checking-started', 'change-blocked'], 'blocked'],
  [
    'checked again',
    ['change-proposed', 'checking-started', 'change-inconclusive', 'checking-started'],
    'checking',
  ],
  [
    'waived',
    ['change-proposed', 'checking-started', 'change-inconclusive', 'change-waived', 'staging-started'],
    'staging',
  ],
  ['withdrawn', [...checked, 'sign-off-requested', 'change-withdrawn', 'change-closed'], 'withdrawn'],
])('%s', (_, events, state) => expect(walk(events)).toBe(state))

test.each<[ChangeState, ChangeEventType]>([
  ['proposed', 'canary-started'],
  ['checking', 'canary-started'],
  ['verdict', 'canary-started'],
  ['blocked', 'checking-started'],
  ['blocked', 'canary-started'],
  ['canary', 'change-withdrawn'],
  ['watched', 'traffic-rolled-back'],
  ['done', 'change-withdrawn'],
])('%s refuses %s and says so', (state, event) =>
  expect(next(state, event)).toEqual({ refused: `a change that is ${state} has no ${event}` }),
)

const events = fc.array(fc.constantFrom(...changeEventType.options), { maxLength: 60 })
property.prop([events])('no sequence of events leaves the table', (sequence) => {
  expect(changeState.options).toContain(walk(sequence))
})
property.prop([fc.constantFrom(...FINAL_STATES), events])('the end is the end', (state, sequence) => {
  expect(walk(sequence, state)).toBe(state)
})
property.prop([events])('traffic never moves before a verdict and its staging', (sequence) => {
  const seen: ChangeState[] = ['draft']
  for (const event of sequence) seen.push(walk([event], seen.at(-1)))
  const moved = seen.indexOf('canary')
  if (moved >= 0) expect(seen.slice(0, moved)).toContain('staging')
})

test('every state but the last ones can be left, and every event is of use somewhere', () => {
  for (const state of changeState.options)
    if (!FINAL_STATES.includes(state))
      expect(
        changeEventType.options.some((event) => walk([event], state) !== state),
        state,
      ).toBe(true)
  for (const event of changeEventType.options)
    expect(
      changeState.options.some((state) => !isRefusal(next(state, event))),
      event,
    ).toBe(true)
})
