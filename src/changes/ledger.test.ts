import { afterEach, expect, test } from 'vitest'
import { createChanges } from './index.ts'
import { createLedger, read } from './ledger.ts'
import { by, openWorld, proposalOf, type World } from './testing/world.ts'

const worlds: World[] = []
afterEach(async () => {
  for (const { store } of worlds.splice(0)) await store.close()
})

async function open() {
  const world = await openWorld()
  worlds.push(world)
  const { id } = await createChanges(world.parts).propose(proposalOf(), by('ada'))
  return { ...world, id, ledger: createLedger(world.parts) }
}
const withdraw = { type: 'change-withdrawn' as const, data: { reason: 'no' }, actor: 'bo' }

test('somebody who writes between two reads makes the append fail, never pass on a stale state', async () => {
  const { store, id, ledger } = await open()
  const other = await read(store, id)
  let isFirst = true
  const interrupt = async () => {
    if (isFirst) await ledger.append(other, withdraw)
    isFirst = false
  }
  const slow = {
    ...store,
    changes: {
      ...store.changes,
      events: (change: string) => store.changes.events(change).finally(interrupt),
      get: (change: string) => store.changes.get(change).finally(interrupt),
    },
  }
  const seen = await read(slow, id)
  const start = { type: 'checking-started' as const, data: {}, actor: 'ada' }
  await expect(ledger.append(seen, start)).rejects.toThrow()
  expect((await store.changes.get(id)).state).toBe('withdrawn')
  expect((await store.changes.events(id)).map(({ type }) => type)).toEqual([
    'change-proposed',
    'change-withdrawn',
  ])
})

test('an amendment decides again on what the faster one left', async () => {
  const { store, id, ledger } = await open()
  const decisions: string[] = []
  const slow = await Promise.allSettled(
    ['bo', 'cy'].map((actor) =>
      ledger.amend(id, ({ change }) => {
        decisions.push(change.state)
        return change.state === 'withdrawn' ? undefined : { ...withdraw, actor }
      }),
    ),
  )
  expect(slow.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
  expect(decisions).toEqual(['proposed', 'proposed', 'withdrawn'])
  expect((await store.changes.events(id)).length).toBe(2)
})

test('what the state machine refuses is not written', async () => {
  const { store, id, ledger } = await open()
  await expect(
    ledger.amend(id, () => ({ type: 'canary-started', data: {}, actor: 'ada' })),
  ).rejects.toMatchObject({ code: 'change_conflict' })
  await expect(
    ledger.append(await read(store, id), { type: 'canary-started', data: {}, actor: 'ada' }),
  ).rejects.toThrow('a change that is proposed has no canary-started')
  expect((await store.changes.events(id)).length).toBe(1)
})
