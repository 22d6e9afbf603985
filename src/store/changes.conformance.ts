import { describe, expect, test } from 'vitest'
import { digestOf } from '../kernel/index.ts'
import type { Opened } from './testing/opened.ts'
import {
  AT,
  sampleChange,
  sampleEvent,
  sampleEvidence,
  sampleLook,
  sampleRollout,
  someDigest,
  withVersions,
} from './testing/samples.ts'

export function describeChanges(opened: () => Opened): void {
  const withChange = async () => {
    const { store } = opened()
    await withVersions(store)
    await store.changes.create(sampleChange(), sampleEvent())
    return store
  }

  describe('changes', () => {
    test('a change comes back as it was made, with its first event', async () => {
      const store = await withChange()
      expect(await store.changes.get('c-aaaa')).toEqual(sampleChange())
      expect(await store.changes.events('c-aaaa')).toMatchObject([{ sequence: 0, previousHash: null }])
      await expect(store.changes.create(sampleChange(), sampleEvent())).rejects.toMatchObject({
        code: 'conflict',
      })
    })

    test('an event and what it changes are one step, chained to the one before', async () => {
      const store = await withChange()
      const { change, event } = await store.changes.append(
        'c-aaaa',
        0,
        {
          ...sampleEvent('checking-started', { at: 1.5, list: [null, 'x'], nested: { b: 1, a: -0 } }),
          at: AT + 7,
        },
        { state: 'checking', reason: 'now' },
      )
      expect(change).toEqual({ ...sampleChange(), state: 'checking', reason: 'now', updatedAt: AT + 7 })
      expect(await store.changes.get('c-aaaa')).toEqual(change)
      const events = await store.changes.events('c-aaaa')
      expect(events[1]).toEqual(event)
      expect(event.previousHash).toBe(events[0]?.hash)
    })

    test('a writer that has not seen the newest event is refused, and nothing is written', async () => {
      const store = await withChange()
      const append = (state: 'checking' | 'withdrawn') =>
        store.changes.append('c-aaaa', 0, sampleEvent('checking-started'), { state })
      const outcomes = await Promise.allSettled([append('checking'), append('withdrawn'), append('checking')])
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'change_conflict' })
      expect(await store.changes.events('c-aaaa')).toHaveLength(2)
    })

    test('open and closed ones are listed apart, newest first', async () => {
      const store = await withChange()
      await store.changes.create({ ...sampleChange('c-bbbb'), state: 'done' }, sampleEvent())
      await store.changes.create(sampleChange('c-cccc'), sampleEvent())
      const ids = async (filter: { model?: string; open?: boolean }) =>
        (await store.changes.list(filter, { limit: 10 })).items.map(({ id }) => id)
      expect(await ids({ open: true })).toEqual(['c-cccc', 'c-aaaa'])
      expect(await ids({ open: false })).toEqual(['c-bbbb'])
      expect(await ids({ model: 'other' })).toEqual([])
      expect(await ids({})).toHaveLength(3)
    })

    test('progress is not part of the chain', async () => {
      const store = await withChange()
      const checks = [
        {
          check: 'accuracy' as const,
          status: 'running' as const,
          done: 3,
          total: 9,
          unit: 'items',
          etaMs: null,
          summary: null,
        },
      ]
      await store.changes.setProgress('c-aaaa', checks)
      expect((await store.changes.get('c-aaaa')).checks).toEqual(checks)
      expect(await store.changes.events('c-aaaa')).toHaveLength(1)
    })

    test('the log as it is read hashes to what was stored', async () => {
      const store = await withChange()
      await store.changes.append('c-aaaa', 0, sampleEvent('checking-started', { note: 'é \ud800 \0' }), {})
      await store.changes.append(
        'c-aaaa',
        1,
        sampleEvent('check-started', { check: 'cost', left: undefined }),
        {},
      )
      const events = await store.changes.events('c-aaaa')
      for (const [index, { hash, ...link }] of events.entries()) {
        expect(digestOf(link)).toBe(hash)
        expect(link).toMatchObject({ sequence: index, previousHash: events[index - 1]?.hash ?? null })
      }
    })
  })

  describe('evidence and sign-offs', () => {
    test('evidence comes back to the byte, once, the newest first found', async () => {
      const store = await withChange()
      const first = sampleEvidence('c-aaaa', {
        text: 'nul \0 and half \ud800',
        tiny: 5e-324,
        huge: 1.7976931348623157e308,
        z: 1,
        a: 2,
      })
      await store.evidence.put(first)
      await store.evidence.put(first)
      const second = sampleEvidence('c-aaaa', { again: true })
      await store.evidence.put(second)
      expect(await store.evidence.list('c-aaaa')).toEqual([first, second])
      expect(JSON.stringify((await store.evidence.list('c-aaaa'))[0])).toBe(JSON.stringify(first))
      expect(await store.evidence.find('c-aaaa', 'accuracy')).toEqual(second)
      expect(await store.evidence.find('c-aaaa', 'cost')).toBeUndefined()
    })

    test('blocks of one plan are kept apart from those of another', async () => {
      const store = await withChange()
      const [plan, other] = [someDigest(1), someDigest(2)]
      await store.evidence.putBlock('c-aaaa', 'latency', plan, 4, { ms: [1, 2] })
      await store.evidence.putBlock('c-aaaa', 'latency', plan, 2, 'b')
      await store.evidence.putBlock('c-aaaa', 'latency', plan, 2, 'replaced')
      await store.evidence.putBlock('c-aaaa', 'latency', other, 0, null)
      expect([...(await store.evidence.blocks('c-aaaa', 'latency', plan))]).toEqual([
        [2, 'replaced'],
        [4, { ms: [1, 2] }],
      ])
      expect(await store.evidence.blocks('c-aaaa', 'cost', plan)).toEqual(new Map())
    })

    test('a person signs a gate once for the same evidence', async () => {
      const store = await withChange()
      const signOff = {
        change: 'c-aaaa',
        gate: 'sign-off' as const,
        actor: 'bob',
        evidenceHash: someDigest(1),
        at: AT,
        expiresAt: AT + 9,
        note: 'ok',
      }
      await store.signOffs.put(signOff)
      await store.signOffs.put({ ...signOff, note: 'still ok' })
      await store.signOffs.put({ ...signOff, actor: 'cyd' })
      expect(await store.signOffs.list('c-aaaa')).toEqual([
        { ...signOff, note: 'still ok' },
        { ...signOff, actor: 'cyd' },
      ])
      const renamed = { ...signOff, actor: 'bobby', key: 'k1' }
      await store.signOffs.put({ ...signOff, key: 'k1' })
      await store.signOffs.put({ ...signOff, key: 'k2' })
      await store.signOffs.put(renamed)
      expect((await store.signOffs.list('c-aaaa')).slice(2)).toEqual([renamed, { ...signOff, key: 'k2' }])
    })
  })

  describe('rollouts', () => {
    test('a rollout comes back as it was made and patched', async () => {
      const store = await withChange()
      await store.rollouts.create(sampleRollout())
      expect(await store.rollouts.get('r-1')).toEqual(sampleRollout())
      const done = { state: 'rolled-back' as const, reason: 'errors', finishedAt: AT + 5, rollbackMs: 312.5 }
      expect(await store.rollouts.listOpen()).toHaveLength(1)
      expect(await store.rollouts.update('r-1', done)).toEqual({ ...sampleRollout(), ...done })
      expect(await store.rollouts.listOpen()).toEqual([])
      expect(await store.rollouts.get('none')).toBeUndefined()
    })

    test('a look and the state it leads to are one step; a look is taken once', async () => {
      const store = await withChange()
      await store.rollouts.create(sampleRollout())
      expect(await store.rollouts.putLook(sampleLook(0), { step: 1 })).toMatchObject({ step: 1 })
      await expect(store.rollouts.putLook(sampleLook(0), { step: 2 })).rejects.toMatchObject({
        code: 'conflict',
      })
      await store.rollouts.putLook(sampleLook(1), {})
      expect(await store.rollouts.looks('r-1')).toEqual([sampleLook(0), sampleLook(1)])
      expect(await store.rollouts.looks('r-1', { since: 0 })).toEqual([sampleLook(1)])
      expect(await store.rollouts.looks('r-1', { since: 1 })).toEqual([])
      expect(await store.rollouts.looks('r-1', { since: -1, limit: 1 })).toEqual([sampleLook(0)])
      expect(await store.rollouts.get('r-1')).toMatchObject({ step: 1 })
    })
  })

  describe('audit', () => {
    test('entries are numbered and chained without gaps, whoever writes at once', async () => {
      const { store } = opened()
      const entry = (target: string) => ({
        at: AT,
        actor: 'ada',
        action: 'revoke key',
        target,
        detail: { why: 'lost' },
      })
      await Promise.all(['k1', 'k2', 'k3'].map((target) => store.audit.append(entry(target))))
      const { items, next } = await store.audit.list({ limit: 2 })
      expect(items.map(({ sequence }) => sequence)).toEqual([2, 1])
      expect(items[0]?.previousHash).toBe(items[1]?.hash)
      const rest = await store.audit.list({ limit: 2, cursor: next })
      expect(rest).toMatchObject({
        items: [{ sequence: 0, previousHash: null, detail: { why: 'lost' } }],
        next: null,
      })
    })

    test('entries are counted by what their detail says', async () => {
      const { store } = opened()
      const read = (target: string, change: string, check: string) =>
        store.audit.append({ at: AT, actor: 'ada', action: 'read', target, detail: { change, check } })
      await read('d1', 'c1', 'accuracy')
      await read('d1', 'c1', 'cost')
      await read('d1', 'c2', 'cost')
      await read('d2', 'c3', 'cost')
      const count = (detail: Record<string, string>) =>
        store.audit.count({ action: 'read', target: 'd1', detail }, 'change')
      expect(await count({})).toEqual({ entries: 3, different: 2 })
      expect(await count({ check: 'cost' })).toEqual({ entries: 2, different: 2 })
      expect(await count({ check: 'accuracy', change: 'c2' })).toEqual({ entries: 0, different: 0 })
    })
  })
}
