import { expect, test } from 'vitest'
import type { Change, ModelSummary } from '../../../src/contracts/index.ts'
import { targetsFor } from './jump.ts'
import { shortcutOf } from './shortcuts.ts'

const models = [{ model: 'spam_filter' }, { model: 'digits' }] as ModelSummary[]
const changes = [
  { id: 'c-7f3a', proposal: { model: 'spam_filter' }, champion: { label: 'v1' }, candidate: { label: 'v2' } },
  { id: 'c-d1f0', proposal: { model: 'digits' }, champion: { label: 'v1' }, candidate: { label: 'v1-int8' } },
] as Change[]
const pathsFor = (typed: string) => targetsFor(typed, models, changes).map(({ path }) => path)

test.each([
  ['', []],
  ['  ', []],
  ['7F3', ['/changes/c-7f3a']],
  ['c-d', ['/changes/c-d1f0']],
  ['spam', ['/models/spam_filter', '/changes/c-7f3a']],
  ['int8', ['/changes/c-d1f0']],
  ['nothing', []],
])('typing %j finds %j', (typed, expected) => expect(pathsFor(typed)).toEqual(expected))

test('what starts as typed stands before what contains it', () => {
  expect(pathsFor('d')[0]).toBe('/models/digits')
})

test.each([
  ['/', undefined, { do: 'search' }],
  ['?', undefined, { do: 'help' }],
  ['m', { key: 'g', atMs: 0 }, { do: 'go', path: '/models' }],
  ['m', { key: 'x', atMs: 0 }, undefined],
  ['m', undefined, undefined],
])('%s after %j does %j', (key, previous, expected) =>
  expect(shortcutOf(key, previous, 500)).toEqual(expected),
)

test('a g that was long ago is forgotten', () => {
  expect(shortcutOf('m', { key: 'g', atMs: 0 }, 1500)).toBeUndefined()
})
