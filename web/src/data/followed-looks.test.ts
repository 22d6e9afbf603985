import { fc, test as prop } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import type { Rollout, RolloutLook } from '../../../src/contracts/index.ts'
import { followLooks, isSameRollout, type ReadLooks } from './followed-looks.ts'

const rollout = (id: string) => ({ id, state: 'progressing' }) as Rollout
const look = (sequence: number, step = 0) => ({ sequence, step }) as RolloutLook

/** A server with so many looks, which notes what it was asked. */
function server(id: string, looks: readonly RolloutLook[]) {
  const asked: number[] = []
  const read: ReadLooks = async ({ since, limit }) => {
    asked.push(since)
    return { rollout: rollout(id), looks: looks.filter(({ sequence }) => sequence > since).slice(0, limit) }
  }
  return { asked, read }
}
const many = (count: number, step: (sequence: number) => number = () => 0) =>
  Array.from({ length: count }, (_, sequence) => look(sequence, step(sequence)))

prop.prop([fc.nat(40), fc.nat(40), fc.integer({ min: 1, max: 9 })])(
  'what is known and what is new are all looks, each once, in order',
  async (before, more, atOnce) => {
    const first = await followLooks(server('r', many(before)).read, undefined, 1000, atOnce)
    const all = await followLooks(server('r', many(before + more)).read, first, 1000, atOnce)
    expect(all.looks).toEqual(many(before + more))
  },
)

test('only what is new is asked for', async () => {
  const first = await followLooks(server('r', many(5000)).read, undefined)
  const { asked, read } = server('r', many(5001))
  const { looks } = await followLooks(read, first)
  expect(asked).toEqual([4999])
  expect(looks).toHaveLength(5001)
})

test('another rollout is read from its start', async () => {
  const first = await followLooks(server('r-1', many(9)).read, undefined)
  const { looks, rollout } = await followLooks(server('r-2', many(3)).read, first)
  expect([rollout?.id, looks]).toEqual(['r-2', many(3)])
})

test('an answer without news is the same, a look or a state more is not', async () => {
  const known = { rollout: rollout('r'), looks: many(3) }
  expect(isSameRollout(known, { rollout: rollout('r'), looks: many(3) })).toBe(true)
  expect(isSameRollout(known, { rollout: rollout('r'), looks: many(4) })).toBe(false)
  expect(isSameRollout(known, { rollout: { ...rollout('r'), step: 2 }, looks: many(3) })).toBe(false)
})

test('a page left open keeps the newest half whole, thins the older, and never loses the end of a step', async () => {
  const looks = many(400, (sequence) => Math.floor(sequence / 33))
  const kept = (await followLooks(server('r', looks).read, undefined, 100, 20)).looks
  expect(kept.length).toBeLessThanOrEqual(120)
  expect(kept.slice(-50)).toEqual(looks.slice(-50))
  const ends = looks.filter(({ step }, index) => looks[index + 1]?.step !== step)
  expect(kept.filter(({ sequence }) => ends.some((end) => end.sequence === sequence))).toEqual(ends)
})
