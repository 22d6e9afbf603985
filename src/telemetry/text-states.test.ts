import { expect, test } from 'vitest'
import type { GatewayTextState } from '../contracts/index.ts'
import { manualClock } from '../store/testing.ts'
import { createTextStates } from './text-states.ts'

const state = (gateway: string): GatewayTextState => ({
  gateway,
  providers: ['a', 'b'].map((provider) => ({ provider, kind: 'openai', isReady: true, accounts: [] })),
  ladders: ['chat', 'other'].map((model) => ({ model, month: { answers: 1, degraded: 0 }, rungs: [] })),
  loads: [],
})

test('a model is shown its own ladder and the providers that are named', () => {
  const states = createTextStates(manualClock())
  states.take(state('g1'))
  const [heard] = states.of('chat', new Set(['b']))
  expect(heard?.providers.map(({ provider }) => provider)).toEqual(['b'])
  expect(heard?.ladders.map(({ model }) => model)).toEqual(['chat'])
})

test('the newest of each gateway counts, and one that fell silent is forgotten', () => {
  const clock = manualClock()
  const states = createTextStates(clock)
  states.take(state('g1'))
  clock.advance(10_000)
  states.take(state('g1'))
  states.take(state('g2'))
  expect(states.of('chat', new Set()).map(({ gateway }) => gateway)).toEqual(['g1', 'g2'])
  clock.advance(14_000)
  states.take(state('g2'))
  expect(states.of('chat', new Set())).toHaveLength(2)
  clock.advance(2000)
  expect(states.of('chat', new Set()).map(({ gateway }) => gateway)).toEqual(['g2'])
})
