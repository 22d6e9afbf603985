import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { NumberMap } from './number-map.ts'

/** Keys that meet at the same places, small and beyond 32 bits. */
const key = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 9 }).map((index) => index * 1024),
  fc.integer({ min: 0, max: 9 }).map((index) => 2 ** 32 * index + 7),
)
const step = fc.record({ kind: fc.constantFrom('set', 'delete', 'get'), key })

test.prop([fc.array(step, { maxLength: 400 })])('does what Map does', (steps) => {
  const ours = new NumberMap<{ at: number }>()
  const theirs = new Map<number, { at: number }>()
  for (const [at, { kind, key }] of steps.entries()) {
    if (kind === 'set') {
      const value = { at }
      ours.set(key, value)
      theirs.set(key, value)
    } else if (kind === 'delete') expect(ours.delete(key)).toBe(theirs.delete(key))
    expect(ours.get(key)).toBe(theirs.get(key))
    expect(ours.has(key)).toBe(theirs.has(key))
    expect(ours.size).toBe(theirs.size)
  }
  expect(new Set(ours.values())).toEqual(new Set(theirs.values()))
  for (const [key, value] of theirs) expect(ours.get(key)).toBe(value)
})

test('may change while its values are gone through', () => {
  const map = new NumberMap<{ key: number }>()
  for (let key = 0; key < 100; key++) map.set(key, { key })
  for (const { key } of map.values()) map.delete(key)
  expect(map.size).toBe(0)
})
