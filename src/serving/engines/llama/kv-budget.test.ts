import { fc, test as prop } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { commonBeginning, decideKv, type KvSequence, usedBlocks } from './kv-budget.ts'

const shape = { sequenceTokens: 64, blockTokens: 8 }

function sequence(id: number, tokens: number[], more: Partial<KvSequence> = {}): KvSequence {
  return { id, tokens, adapter: undefined, neededTokens: 0, idleSince: id, ...more }
}
const need = (input: number[], maxOutputTokens = 4, adapter?: string) => ({ input, maxOutputTokens, adapter })
const run = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at)

describe('decideKv', () => {
  test.each([
    [
      'refuses what no sequence can hold',
      [sequence(0, [])],
      need(run(0, 61)),
      { kind: 'refuse', neededTokens: 65 },
    ],
    ['takes what just fits', [sequence(0, [])], need(run(0, 60)), { kind: 'take', neededTokens: 64 }],
    ['waits while all are busy', [sequence(0, [], { neededTokens: 9 })], need([1]), { kind: 'wait' }],
    [
      'refuses rather than waits for what never fits',
      [sequence(0, [], { neededTokens: 9 })],
      need(run(0, 99)),
      { kind: 'refuse' },
    ],
    [
      'goes on in place after a beginning that is nearly all',
      [sequence(0, []), sequence(1, run(0, 22))],
      need([...run(0, 20), 90, 91]),
      { sequence: 1, copyFrom: undefined, reusedTokens: 20 },
    ],
    [
      'copies a beginning rather than lose a long rest',
      [sequence(0, []), sequence(1, run(0, 40))],
      need([...run(0, 20), 90]),
      { sequence: 0, copyFrom: 1, reusedTokens: 20 },
    ],
    [
      'copies from one that is busy',
      [sequence(0, run(0, 30), { neededTokens: 40 }), sequence(1, [])],
      need([...run(0, 20), 90]),
      { sequence: 1, copyFrom: 0, reusedTokens: 20 },
    ],
    [
      'does not copy less than a block',
      [sequence(0, run(0, 30), { neededTokens: 40 }), sequence(1, [])],
      need([...run(0, 7), 90]),
      { sequence: 1, copyFrom: undefined, reusedTokens: 0 },
    ],
    [
      'reads the last token again, whatever is there',
      [sequence(0, run(0, 20))],
      need(run(0, 20)),
      { sequence: 0, reusedTokens: 19 },
    ],
    [
      'shares nothing between adapters',
      [sequence(0, run(0, 20)), sequence(1, [])],
      need(run(0, 20), 4, 'json'),
      { sequence: 1, copyFrom: undefined, reusedTokens: 0 },
    ],
    [
      'gives up what was idle longest',
      [
        sequence(0, [1], { idleSince: 7 }),
        sequence(1, [2], { idleSince: 3 }),
        sequence(2, [3], { idleSince: 5 }),
      ],
      need([9, 9]),
      { sequence: 1, reusedTokens: 0 },
    ],
    [
      'gives up nothing while one is empty',
      [sequence(0, [1], { idleSince: 1 }), sequence(1, [], { idleSince: 9 })],
      need([9, 9]),
      { sequence: 1 },
    ],
  ])('%s', (_, sequences, wanted, expected) => {
    expect(decideKv(sequences, wanted, shape)).toMatchObject(expected)
  })

  test('counts what is spoken for and what is kept, in whole blocks', () => {
    const sequences = [sequence(0, run(0, 3), { neededTokens: 17 }), sequence(1, run(0, 9)), sequence(2, [])]
    expect(usedBlocks(sequences, shape)).toBe(3 + 2)
  })

  const tokens = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 40 })
  const requests = fc.array(
    fc.record({
      input: tokens,
      maxOutputTokens: fc.integer({ min: 1, max: 40 }),
      adapter: fc.constantFrom(undefined, 'a'),
      runsFor: fc.integer({ min: 1, max: 6 }),
    }),
    { maxLength: 60 },
  )

  // Virtual time: one request arrives a tick and runs for a few.
  prop.prop([requests, fc.integer({ min: 1, max: 4 })])(
    'whatever comes: blocks stay within the budget, what is kept is a true beginning, and nothing fitting starves',
    (sent, count) => {
      const held = Array.from({ length: count }, (_, id) => ({
        ...sequence(id, []),
        tokens: [] as number[],
        endsAt: 0,
      }))
      const queue = sent.filter(
        ({ input, maxOutputTokens }) => input.length + maxOutputTokens <= shape.sequenceTokens,
      )
      let tick = 0
      while (queue.length > 0) {
        tick++
        for (const one of held) {
          if (one.neededTokens === 0 || one.endsAt > tick) continue
          Object.assign(one, { neededTokens: 0, idleSince: tick })
        }
        const [next] = queue as [(typeof queue)[number]]
        const decision = decideKv(held, next, shape)
        if (decision.kind === 'wait') {
          expect(held.every(({ neededTokens }) => neededTokens > 0)).toBe(true)
          continue
        }
        if (decision.kind === 'refuse') throw new Error('it fits')
        queue.shift()
        const target = held[decision.sequence] as (typeof held)[number]
        expect(target.neededTokens).toBe(0)
        const source = decision.copyFrom === undefined ? target : (held[decision.copyFrom] as typeof target)
        expect(commonBeginning(source.tokens, next.input)).toBeGreaterThanOrEqual(decision.reusedTokens)
        if (decision.reusedTokens > 0) expect(source.adapter).toBe(next.adapter)
        expect(decision.reusedTokens).toBeLessThan(next.input.length)
        Object.assign(target, {
          tokens: [...next.input],
          adapter: next.adapter,
          neededTokens: decision.neededTokens,
          endsAt: tick + next.runsFor,
        })
        expect(usedBlocks(held, shape)).toBeLessThanOrEqual(
          (count * shape.sequenceTokens) / shape.blockTokens,
        )
      }
    },
  )
})
