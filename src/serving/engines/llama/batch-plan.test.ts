import { fc, test as prop } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { planBatch, type RunningSequence } from './batch-plan.ts'

const answering = (id: number, more: Partial<RunningSequence> = {}): RunningSequence => ({
  id,
  adapter: undefined,
  unreadTokens: 1,
  isAnswering: true,
  isPaused: false,
  lastBatch: 0,
  ...more,
})
const reading = (id: number, unreadTokens: number, more: Partial<RunningSequence> = {}) =>
  answering(id, { unreadTokens, isAnswering: false, ...more })

test.each<[string, RunningSequence[], number, [number, number][] | undefined]>([
  ['nothing runs', [], 8, undefined],
  ['all are paused', [answering(0, { isPaused: true })], 8, undefined],
  [
    'everybody answering gets a token',
    [answering(0), answering(1)],
    8,
    [
      [0, 1],
      [1, 1],
    ],
  ],
  [
    'a long question does not stall answers',
    [reading(0, 100), answering(1)],
    8,
    [
      [1, 1],
      [0, 7],
    ],
  ],
  [
    'questions come in pieces, first come first',
    [reading(0, 6), reading(1, 6)],
    8,
    [
      [0, 6],
      [1, 2],
    ],
  ],
  [
    'proposals go whole or not at all',
    [answering(0, { unreadTokens: 6 }), answering(1, { unreadTokens: 6 })],
    8,
    [[0, 6]],
  ],
  [
    'a batch has one adapter, of who waited longest',
    [
      answering(0, { lastBatch: 4 }),
      answering(1, { adapter: 'a', lastBatch: 3 }),
      answering(2, { adapter: 'a', lastBatch: 2 }),
    ],
    8,
    [
      [1, 1],
      [2, 1],
    ],
  ],
])('%s', (_, running, batchTokens, expected) => {
  expect(planBatch(running, batchTokens)?.shares.map(({ id, tokens }) => [id, tokens])).toEqual(expected)
})

// Virtual time: one batch a tick; a question that is read goes on answering.
prop.prop([
  fc.array(
    fc.record({
      adapter: fc.constantFrom(undefined, 'a', 'b'),
      question: fc.integer({ min: 1, max: 60 }),
      answer: fc.integer({ min: 1, max: 10 }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
])('all come to their end, no batch is too large, and adapters take turns', (requests) => {
  const running = requests.map(({ adapter, question, answer }, id) => ({
    ...reading(id, question, { adapter }),
    left: answer,
  }))
  const adapters = new Set(requests.map(({ adapter }) => adapter)).size
  let batch = 0
  while (running.some(({ left }) => left > 0)) {
    batch++
    const able = running.filter(({ left }) => left > 0)
    const plan = planBatch(able, 16)
    expect(plan?.shares.length).toBeGreaterThan(0)
    let tokens = 0
    for (const share of plan?.shares ?? []) {
      const one = running[share.id] as (typeof running)[number]
      expect(one.adapter).toBe(plan?.adapter)
      tokens += share.tokens
      const unreadTokens = one.unreadTokens - share.tokens
      Object.assign(
        one,
        unreadTokens === 0
          ? { isAnswering: true, unreadTokens: 1, left: one.left - 1, lastBatch: batch }
          : { unreadTokens, lastBatch: batch },
      )
    }
    expect(tokens).toBeLessThanOrEqual(16)
    for (const one of able.filter(({ isAnswering, left }) => isAnswering && left > 0))
      expect(batch - one.lastBatch).toBeLessThanOrEqual(adapters)
  }
})
