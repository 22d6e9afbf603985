import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Change } from '../contracts/index.ts'
import type { ApiParts } from './parts.ts'
import { openTestApi, type TestApi } from './testing/open-api.ts'

const actors: string[] = []
const act = async (_: string, ...rest: unknown[]): Promise<Change> => {
  actors.push(String(rest.at(-1)))
  return { id: 'c-abcd' } as Change
}
let api: TestApi

beforeAll(async () => {
  const changes = {
    start: act,
    approve: act,
    abort: act,
    pause: act,
    resume: act,
  } as unknown as ApiParts['changes']
  api = await openTestApi({ changes })
})
afterAll(() => api.close())

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
  expect(actors).toHaveLength(3)
  expect(actors[0]).toBe(actors[1])
  expect(actors[2]).not.toBe(actors[1])
  for (const actor of actors) expect(actor).toMatch(/^.+ \([a-z0-9]+\)$/i)
})

test('starting a change, which moves traffic, takes the scope deploy', async () => {
  expect((await post('start', await api.keyFor('check'))).status).toBe(403)
  expect((await post('start', await api.keyFor('deploy'))).status).not.toBe(403)
})
