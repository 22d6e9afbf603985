import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { defaultServingPolicy, type LimitRule } from '../contracts/index.ts'
import { digestOf, digestOfBytes } from '../kernel/index.ts'
import type { PageRequest } from './store.ts'
import type { Opened } from './testing/opened.ts'
import { AT, echoSpec, someDigest, spamModel, withVersions } from './testing/samples.ts'

export function describeServing(opened: () => Opened): void {
  describe('models and versions', () => {
    test('a model comes back as it was made', async () => {
      const { store } = opened()
      const made = await store.models.create(spamModel)
      expect(made).toEqual({ ...spamModel, createdAt: AT })
      expect(await store.models.get('spam_filter')).toEqual(made)
    })

    test('the same model again is answered, another one of its name is refused', async () => {
      const { store, clock } = opened()
      const made = await store.models.create(spamModel)
      clock.advance(1000)
      expect(await store.models.create({ ...spamModel })).toEqual(made)
      await expect(store.models.create({ ...spamModel, owner: 'else' })).rejects.toMatchObject({
        code: 'conflict',
      })
    })

    test('a version has the digest of its spec as id and never changes', async () => {
      const { store } = opened()
      await store.models.create(spamModel)
      const made = await store.versions.register('spam_filter', 'v1', echoSpec())
      expect(made).toMatchObject({ label: 'v1', id: digestOf(echoSpec()), spec: echoSpec(), createdAt: AT })
      expect(await store.versions.register('spam_filter', 'v1', echoSpec())).toEqual(made)
      await expect(store.versions.register('spam_filter', 'v1', echoSpec(9))).rejects.toMatchObject({
        code: 'conflict',
      })
      expect((await store.versions.get('spam_filter', 'v1')).id).toBe(made.id)
    })

    test.each([
      ['a model', 'unknown_model', (s: Opened['store']) => s.models.get('none')],
      ['a version', 'unknown_version', (s: Opened['store']) => s.versions.get('spam_filter', 'v9')],
      [
        'the model of a version',
        'unknown_model',
        (s: Opened['store']) => s.versions.register('none', 'v1', echoSpec()),
      ],
      ['a dataset', 'dataset_missing', (s: Opened['store']) => s.datasets.get('none')],
      ['a key', 'unknown_key', (s: Opened['store']) => s.keys.revoke('none', AT)],
      ['a change', 'unknown_change', (s: Opened['store']) => s.changes.get('c-none')],
      [
        'the version of a deployment',
        'unknown_version',
        (s: Opened['store']) =>
          s.deployments.upsert({ model: 'spam_filter', version: 'v9', replicas: 1, gpuType: null }),
      ],
      [
        'the version to scale',
        'unknown_version',
        (s: Opened['store']) => s.deployments.setReplicas('spam_filter', 'v9', 2),
      ],
      [
        'the model of a split',
        'unknown_model',
        (s: Opened['store']) => s.traffic.set('none', { shares: {}, slices: [], reason: 'person' }),
      ],
      ['an artifact', 'artifact_missing', (s: Opened['store']) => s.artifacts.read(someDigest('none'))],
    ])('says so when it does not know %s', async (_, code, ask) => {
      const { store } = opened()
      await store.models.create(spamModel)
      await expect(ask(store)).rejects.toMatchObject({ code })
    })

    test('lists come in pages that together are whole', async () => {
      const { store } = opened()
      await store.models.create(spamModel)
      for (const label of ['v1', 'v2', 'v3', 'v4', 'v5'])
        await store.versions.register('spam_filter', label, echoSpec())
      const labels: string[][] = []
      let cursor: string | null = null
      do {
        const page = await store.versions.list('spam_filter', { limit: 2, cursor })
        labels.push(page.items.map(({ label }) => label))
        cursor = page.next
      } while (cursor !== null)
      expect(labels).toEqual([['v5', 'v4'], ['v3', 'v2'], ['v1']])
      await expect(store.versions.list('spam_filter', { limit: 2, cursor: 'x' })).rejects.toMatchObject({
        code: 'invalid_request',
      })
    })
  })

  describe('artifacts and datasets', () => {
    test('a file is stored by its digest and read back', async () => {
      const { store } = opened()
      const content = Buffer.from('weights')
      const digest = digestOfBytes(content)
      expect(await store.artifacts.has(digest)).toBe(false)
      expect(await store.artifacts.put(digest, content)).toEqual({ digest, bytes: 7 })
      expect(await store.artifacts.read(digest)).toEqual(content)
    })

    test('items come in file order, plain or gzipped, and a bad line is named', async () => {
      const { store } = opened()
      await store.models.create(spamModel)
      const item = (id: string) => JSON.stringify({ id, inputs: { features: [1] }, label: 1 })
      const put = async (name: string, content: Buffer) => {
        const digest = digestOfBytes(content)
        await store.artifacts.put(digest, content)
        return store.datasets.register({ name, model: 'spam_filter', digest, items: 2 })
      }
      const plain = Buffer.from(`${item('b')}\n\n${item('a')}\n`)
      const made = await put('plain', plain)
      expect(made).toMatchObject({ name: 'plain', items: 2, createdAt: AT })
      await put('zipped', gzipSync(plain))
      await put('broken', Buffer.from(`${item('b')}\n{"id":`))
      for (const name of ['plain', 'zipped'])
        expect((await store.datasets.items(name)).map(({ id }) => id)).toEqual(['b', 'a'])
      await expect(store.datasets.items('broken')).rejects.toMatchObject({
        code: 'dataset_invalid',
        parameters: { line: 2 },
      })
      expect(await store.datasets.register(made)).toEqual(made)
      await expect(store.datasets.register({ ...made, digest: someDigest('else') })).rejects.toMatchObject({
        code: 'conflict',
      })
      expect((await store.datasets.list({ limit: 10 })).items).toHaveLength(3)
    })
  })

  describe('deployments and traffic', () => {
    const wish = { model: 'spam_filter', version: 'v1', replicas: 2, gpuType: 't4' }

    test('a deployment is made once, and a stopped one comes back', async () => {
      const { store } = opened()
      await withVersions(store)
      const made = await store.deployments.upsert(wish)
      expect(made).toMatchObject({
        status: 'deploying',
        replicas: 2,
        gpuType: 't4',
        trafficPercent: 0,
        reason: null,
      })
      await store.deployments.setStatus('spam_filter', 'v1', 'active', null)
      expect(await store.deployments.upsert({ ...wish, replicas: 3 })).toMatchObject({
        id: made.id,
        status: 'active',
        replicas: 3,
      })
      await store.deployments.setStatus('spam_filter', 'v1', 'stopped', 'asked')
      expect(await store.deployments.list()).toEqual([])
      expect(await store.deployments.list({ model: 'spam_filter', includeStopped: true })).toHaveLength(1)
      expect(await store.deployments.upsert(wish)).toMatchObject({
        id: made.id,
        status: 'deploying',
        reason: null,
      })
      expect(await store.deployments.setReplicas('spam_filter', 'v1', 5)).toMatchObject({ replicas: 5 })
      expect(await store.deployments.find('spam_filter', 'v2')).toBeUndefined()
    })

    test('a split is whole: row, history and share of each deployment', async () => {
      const { store, clock } = opened()
      await withVersions(store)
      for (const version of ['v1', 'v2']) await store.deployments.upsert({ ...wish, version })
      const slices = [{ version: 'v1', from: 0, to: 2 ** 32 }]
      const first = await store.traffic.set(
        'spam_filter',
        { shares: { v1: 100 }, slices, reason: 'person' },
        0,
      )
      expect(first).toEqual({
        model: 'spam_filter',
        revision: 1,
        shares: { v1: 100 },
        slices,
        reason: 'person',
        updatedAt: AT,
      })
      clock.advance(1000)
      await store.traffic.set('spam_filter', { shares: { v1: 99.5, v2: 0.5 }, slices, reason: 'r-1' }, 1)
      expect((await store.deployments.list()).map((row) => [row.version, row.trafficPercent])).toEqual([
        ['v1', 99.5],
        ['v2', 0.5],
      ])
      await store.traffic.set('spam_filter', { shares: { v2: 100 }, slices, reason: 'r-1' })
      expect((await store.deployments.find('spam_filter', 'v1'))?.trafficPercent).toBe(0)
      expect((await store.traffic.history('spam_filter', 2)).map(({ revision }) => revision)).toEqual([3, 2])
      expect((await store.traffic.list()).map(({ revision }) => revision)).toEqual([3])
    })

    test('what held at a time leads the history up to it, page by page', async () => {
      const { store, clock } = opened()
      await withVersions(store)
      for (const v1 of [100, 90, 50]) {
        await store.traffic.set('spam_filter', { shares: { v1, v2: 100 - v1 }, slices: [], reason: 'person' })
        clock.advance(1000)
      }
      const told = async (untilMs: number | undefined, page = { limit: 10 } as PageRequest) => {
        const { items, next } = await store.traffic.listHistory('spam_filter', { untilMs }, page)
        return [items.map(({ shares }) => shares.v1), next]
      }
      expect(await told(undefined)).toEqual([[50, 90, 100], null])
      expect(await told(AT + 1999)).toEqual([[90, 100], null])
      expect(await told(AT + 1000)).toEqual([[90, 100], null])
      expect(await told(AT - 1)).toEqual([[], null])
      expect(await told(undefined, { limit: 2 })).toEqual([[50, 90], '2'])
      expect(await told(undefined, { limit: 2, cursor: '2' })).toEqual([[100], null])
      expect(await told(undefined, { limit: 1, cursor: '999999999999999' })).toEqual([[50], '3'])
    })

    test('of two writers with the same revision one is told', async () => {
      const { store } = opened()
      await withVersions(store)
      const write = (v1: number) =>
        store.traffic.set('spam_filter', { shares: { v1 }, slices: [], reason: 'person' }, 0)
      const outcomes = await Promise.allSettled([write(100), write(50), write(10)])
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'etag_mismatch' })
      expect((await store.traffic.get('spam_filter'))?.revision).toBe(1)
      expect(await store.traffic.history('spam_filter', 10)).toHaveLength(1)
    })
  })

  describe('keys, listeners, texts', () => {
    test('a key is kept without its secret, and stays revoked since the first time', async () => {
      const { store } = opened()
      const limits = { requestsPerSecond: 2.5, concurrency: null }
      const key = {
        publicId: 'abcd',
        mac: 'ff00',
        name: 'ci',
        tenant: 'default',
        scopes: ['predict' as const],
        limits,
        expiresAt: null,
      }
      const made = await store.keys.create(key)
      expect(made).toEqual({ ...key, createdAt: AT, revokedAt: null })
      await expect(store.keys.create(key)).rejects.toMatchObject({ code: 'conflict' })
      expect(await store.keys.revoke('abcd', AT + 5)).toMatchObject({ revokedAt: AT + 5 })
      expect(await store.keys.revoke('abcd', AT + 9)).toMatchObject({ revokedAt: AT + 5 })
      expect(await store.keys.find('abcd')).toMatchObject({ revokedAt: AT + 5 })
      expect(await store.keys.find('none')).toBeUndefined()
      expect((await store.keys.list({ limit: 10 })).items).toHaveLength(1)
    })

    test('a key keeps its priority and limits', async () => {
      const { store } = opened()
      const limits = { requestsPerSecond: null, concurrency: null, tokensPerMinute: 5000, costUsdPerDay: 2.5 }
      const key = {
        publicId: 'prio',
        mac: 'ff',
        name: 'batch',
        tenant: 'default',
        scopes: [],
        expiresAt: null,
      }
      await store.keys.create({ ...key, limits, priority: 'batch' })
      expect(await store.keys.find('prio')).toMatchObject({ limits, priority: 'batch' })
    })

    test('listeners hear of a write when it can be read, until they stop', async () => {
      const { store } = opened()
      const heard: string[] = []
      const readings: Promise<unknown>[] = []
      const stop = store.watch(({ topic, key }) => {
        heard.push(`${topic} ${key}`)
        if (topic === 'models') readings.push(store.models.get(key))
      })
      store.watch(() => {
        throw new Error('a listener of somebody else')
      })
      await withVersions(store)
      await Promise.all(readings)
      expect(heard).toEqual(['models spam_filter', 'versions spam_filter', 'versions spam_filter'])
      stop()
      await store.deployments.upsert({ model: 'spam_filter', version: 'v1', replicas: 1, gpuType: null })
      expect(heard).toHaveLength(3)
    })

    test('what PostgreSQL cannot hold is the sender\u2019s error, not ours', async () => {
      const { store } = opened()
      await expect(store.models.create({ ...spamModel, owner: 'a\0b' })).rejects.toMatchObject({
        code: 'invalid_request',
      })
      await expect(
        store.models.create({ ...spamModel, classes: ['half a pair: \ud800'] }),
      ).rejects.toMatchObject({ code: 'invalid_request' })
      await store.models.create({ ...spamModel, owner: `O'Neil "\\ \n\t 💌`, description: '{},NULL' })
      expect(await store.models.get('spam_filter')).toMatchObject({
        owner: `O'Neil "\\ \n\t 💌`,
        description: '{},NULL',
      })
    })

    test('it answers a ping', async () => {
      await expect(opened().store.ping()).resolves.toBeUndefined()
    })
  })

  describe('counts of limits', () => {
    const count = (id: string, used: number, endMs = AT + 1000) => ({ id, startMs: AT - 1000, endMs, used })

    test('are replaced, exact to the last digit, and forgotten when their span has ended', async () => {
      const { store } = opened()
      await store.limitCounts.put([count('b', 1), count('a', Number.MAX_SAFE_INTEGER), count('over', 5, AT)])
      await store.limitCounts.put([count('b', 2)])
      await store.limitCounts.put([])
      const listed = await store.limitCounts.list(AT)
      expect(listed.toSorted((left, right) => (left.id < right.id ? -1 : 1))).toEqual([
        count('a', Number.MAX_SAFE_INTEGER),
        count('b', 2),
      ])
      expect(await store.limitCounts.list(AT + 1000)).toEqual([])
    })
  })

  describe('settings', () => {
    const rule = (requestsPerMinute: number): LimitRule => ({
      name: 'free',
      tenant: 'free',
      requestsPerMinute,
    })

    test('are made, replaced with a growing revision, listed by name and removed', async () => {
      const { store } = opened()
      const { settings } = store
      expect(await settings.find('limit', 'free')).toBeUndefined()
      expect(await settings.put('limit', 'free', rule(1))).toMatchObject({ revision: 1, body: rule(1) })
      expect(await settings.put('limit', 'free', rule(2))).toMatchObject({ revision: 2, body: rule(2) })
      await settings.put('limit', 'extra', { ...rule(9), name: 'extra' })
      expect((await settings.list('limit')).map(({ name }) => name)).toEqual(['extra', 'free'])
      expect(await settings.list('price')).toEqual([])
      expect(await settings.remove('limit', 'free')).toBe(true)
      expect(await settings.remove('limit', 'free')).toBe(false)
    })

    test('the same name in two kinds is two settings', async () => {
      const { settings } = opened().store
      await settings.put('limit', 'same', rule(1))
      await settings.put('serving-policy', 'same', defaultServingPolicy)
      expect((await settings.find('limit', 'same'))?.body).toEqual(rule(1))
    })

    test('of two writers with the same revision one is told', async () => {
      const { settings } = opened().store
      await settings.put('limit', 'raced', rule(1))
      const outcomes = await Promise.allSettled(
        [2, 3, 4].map((n) => settings.put('limit', 'raced', rule(n), 1)),
      )
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'etag_mismatch' })
    })
  })
}
