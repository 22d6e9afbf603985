import { afterEach, describe, expect, test } from 'vitest'
import type { LeaseAsk } from '../contracts/index.ts'
import { SlipwayError, systemClock } from '../kernel/index.ts'
import type { LimitCount, Store } from '../store/index.ts'
import { openTestStore } from '../store/testing.ts'
import { openLeaseDesk } from './index.ts'

const NOON = Date.UTC(2026, 5, 30, 12)
const clock = { ...systemClock, nowMs: () => NOON }
const ask = (first: number, more: Partial<LeaseAsk> = {}): LeaseAsk => ({
  id: 'rule/shop/cost/month',
  law: { kind: 'calendar', limit: 100, span: 'month' },
  release: 0,
  owe: 0,
  first,
  need: first,
  spare: 0,
  holds: 0,
  ...more,
})
const message = (session: string, sequence: number, ...asks: LeaseAsk[]) => ({ session, sequence, asks })

const stores: Store[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
})

/** A store whose writes a test holds up or lets fail. */
async function openHeld() {
  const store = await openTestStore({ clock })
  stores.push(store)
  const writes: { counts: readonly LimitCount[]; go: (error?: unknown) => void }[] = []
  const limitCounts: Store['limitCounts'] = {
    list: (nowMs) => store.limitCounts.list(nowMs),
    put: (counts) =>
      new Promise((resolve, reject) =>
        writes.push({
          counts,
          go: (error) => (error === undefined ? resolve(store.limitCounts.put(counts)) : reject(error)),
        }),
      ),
  }
  return { store, writes, desk: await openLeaseDesk({ limitCounts }, clock) }
}
const turn = () => new Promise(setImmediate)

describe('control that counts for its gateways', () => {
  test('started anew it goes on with what a month has used, to the last unit', async () => {
    const store = await openTestStore({ clock })
    stores.push(store)
    const before = await openLeaseDesk(store, clock)
    await before.exchange(message('a', 1, ask(70)))
    await before.exchange(message('a', 2, ask(0, { release: 20 })))
    const after = await openLeaseDesk(store, clock)
    // It does not know the session any more: nothing is given back.
    const { grants } = await after.exchange(message('a', 3, ask(51, { release: 50 })))
    expect(grants[0]).toMatchObject({ granted: 0, left: 50 })
    expect((await after.exchange(message('a', 4, ask(50)))).grants[0]).toMatchObject({ granted: 50 })
  })

  test('does not answer before it is stored, and writes what gathered meanwhile at once', async () => {
    const { desk, writes } = await openHeld()
    const answered: string[] = []
    const say = (session: string) =>
      desk.exchange(message(session, 1, ask(10))).then(() => answered.push(session))
    const all = [say('a'), say('b'), say('c')]
    await turn()
    expect([writes.length, answered]).toEqual([1, []])
    writes[0]?.go()
    await all[0]
    await turn()
    expect([writes.length, answered]).toEqual([2, ['a']])
    expect(writes[1]?.counts).toMatchObject([{ used: 30 }])
    writes[1]?.go()
    await Promise.all(all)
  })

  test('a write that fails fails the message; sent again it is stored, counted once and answered', async () => {
    const { desk, store, writes } = await openHeld()
    const first = desk.exchange(message('a', 1, ask(60)))
    writes[0]?.go(new SlipwayError('store_unavailable', { reason: 'gone' }))
    await expect(first).rejects.toMatchObject({ code: 'store_unavailable' })
    const again = desk.exchange(message('a', 1, ask(60)))
    await turn()
    writes[1]?.go()
    expect((await again).grants[0]).toMatchObject({ granted: 60, left: 40 })
    expect(await store.limitCounts.list(NOON)).toMatchObject([{ used: 60 }])
  })

  test('minutes are answered without the store', async () => {
    const { desk, writes } = await openHeld()
    const law = { kind: 'rate', limit: 60, periodMs: 60_000 } as const
    expect((await desk.exchange(message('a', 1, ask(60, { law })))).grants[0]).toMatchObject({ granted: 60 })
    expect(writes).toHaveLength(0)
  })
})
