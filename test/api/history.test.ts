import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestApi, type TestApi } from '../../src/api/testing/open-api.ts'
import { createClient } from '../../src/sdk/index.ts'
import { sampleChange, sampleLook, sampleRollout, withVersions } from '../../src/store/testing/samples.ts'

let api: TestApi
let reader: ReturnType<typeof createClient>
beforeAll(async () => {
  api = await openTestApi()
  reader = createClient({ controlUrl: api.url, key: await api.keyFor('read') })
  await withVersions(api.store)
})
afterAll(() => api.close())

test('a key is told who it is and what it may do', async () => {
  expect(await reader.call('whoAmI')).toMatchObject({ name: 'read', scopes: ['read'] })
})

test('the splits that were written are told newest first, and what held at a time leads', async () => {
  const params = { model: 'spam_filter' }
  for (const v1 of [100, 60]) {
    await api.store.traffic.set('spam_filter', {
      shares: { v1, v2: 100 - v1 },
      slices: [],
      reason: `set by ${v1}`,
    })
  }
  const { items } = await reader.call('listTrafficHistory', { params })
  expect(items.map(({ revision, reason }) => [revision, reason])).toEqual([
    [2, 'set by 60'],
    [1, 'set by 100'],
  ])
  const at = items[1]!.updatedAt - 1
  expect(await reader.call('listTrafficHistory', { params, query: { at } })).toEqual({
    items: [],
    next: null,
  })
  const page = await reader.call('listTrafficHistory', { params, query: { limit: 1 } })
  expect(page.items).toHaveLength(1)
  const rest = await reader.call('listTrafficHistory', { params, query: { limit: 1, cursor: page.next! } })
  expect(rest).toMatchObject({ items: [{ revision: 1 }], next: null })
})

test('a reader that follows a rollout gets only the looks that it does not have', async () => {
  const change = { ...sampleChange(), rolloutId: 'r-1' }
  await api.store.changes.create(change, { at: 1, actor: 'a', type: 'change-proposed', data: {} })
  await api.store.rollouts.create(sampleRollout())
  for (const sequence of [0, 1, 2]) await api.store.rollouts.putLook(sampleLook(sequence), {})
  const sequences = async (query: { since?: number; limit?: number }) =>
    (await reader.call('getRollout', { params: { change: change.id }, query })).looks.map(
      ({ sequence }) => sequence,
    )
  expect(await sequences({})).toEqual([0, 1, 2])
  expect(await sequences({ since: 0 })).toEqual([1, 2])
  expect(await sequences({ since: 0, limit: 1 })).toEqual([1])
  expect(await sequences({ since: 2 })).toEqual([])
  await expect(sequences({ since: -2 })).rejects.toMatchObject({ code: 'invalid_request' })
})
