import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Actor } from '../changes/index.ts'
import type { Change } from '../contracts/index.ts'
import type { ApiParts } from './parts.ts'
import { openTestApi, type TestApi } from './testing/open-api.ts'

const calls: { verb: string; rest: unknown[]; actor: Actor }[] = []
const act =
  (verb: string) =>
  async (_: string, ...rest: unknown[]): Promise<Change> => {
    calls.push({ verb, rest, actor: rest.at(-1) as Actor })
    return { id: 'c-abcd' } as Change
  }
let api: TestApi

beforeAll(async () => {
  const verbs = ['start', 'approve', 'waive', 'abort', 'pause', 'resume']
  const changes = Object.fromEntries(verbs.map((verb) => [verb, act(verb)])) as unknown as ApiParts['changes']
  api = await openTestApi({ changes })
})
afterAll(() => api.close())
beforeEach(() => void calls.splice(0))

const post = (path: string, key: string, body?: unknown) =>
  fetch(`${api.url}/api/v1/changes/c-abcd/${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

test('two keys of the same name are two actors, and one key is one, whatever it does', async () => {
  const [first, second] = [await api.keyFor('admin'), await api.keyFor('admin')]
  const decision = { evidenceHash: `sha256:${'0'.repeat(64)}`, note: '' }
  await post('start', first)
  await post('approve', first, decision)
  await post('approve', second, decision)
  const ids = calls.map(({ actor }) => actor.publicId)
  expect(ids).toHaveLength(3)
  expect(ids[0]).toBe(ids[1])
  expect(ids[2]).not.toBe(ids[1])
  expect(calls.map(({ actor }) => actor.name)).toEqual(['admin', 'admin', 'admin'])
})

test('a key that may check starts a change, and what it may is handed on with it', async () => {
  expect((await post('start', await api.keyFor('read'))).status).toBe(403)
  expect((await post('start', await api.keyFor('check'))).status).not.toBe(403)
  expect(calls.map(({ actor }) => actor.scopes)).toEqual([['check']])
  for (const verb of ['pause', 'resume'])
    expect((await post(verb, await api.keyFor('check'))).status, verb).toBe(403)
})

test('a waiver takes the scope approve, a reason and an end', async () => {
  const approver = await api.keyFor('approve')
  const waiver = { until: Date.now() + 1000, why: 'known, mended next week' }
  for (const scope of ['check', 'deploy', 'read'] as const)
    expect((await post('waive', await api.keyFor(scope), waiver)).status, scope).toBe(403)
  for (const broken of [
    { ...waiver, why: ' ' },
    { why: 'so' },
    { until: waiver.until },
    { ...waiver, more: 1 },
  ])
    expect((await post('waive', approver, broken)).status, JSON.stringify(broken)).toBe(422)
  expect(calls).toEqual([])
  await post('waive', approver, waiver)
  expect(calls.map(({ verb, rest }) => [verb, rest[0]])).toEqual([['waive', waiver]])
})
