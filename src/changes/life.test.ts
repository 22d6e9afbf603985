import { afterEach, expect, test } from 'vitest'
import { createChanges, verifyBundle } from './index.ts'
import { fakeJudge } from './testing/fake-lab.ts'
import { drive, MODEL, openWorld, proposalOf, type World } from './testing/world.ts'

const worlds: World[] = []
const open = async (...scripts: Parameters<typeof openWorld>) => {
  const world = await openWorld(...scripts)
  worlds.push(world)
  return { ...world, changes: createChanges(world.parts) }
}
afterEach(async () => {
  for (const { store } of worlds.splice(0)) await store.close()
})

async function typesOf({ store }: Pick<World, 'store'>, id: string): Promise<string[]> {
  return (await store.changes.events(id)).map(({ type, data }) =>
    typeof data.check === 'string' ? `${type} ${data.check}` : type,
  )
}

test('a good change goes live by itself, and its bundle verifies', async () => {
  const world = await open()
  const { changes, store } = world
  const { id } = await changes.propose(proposalOf(), 'ada')
  await changes.start(id, 'ada')
  await drive(world, world.parts, id)
  const change = await store.changes.get(id)
  expect(change.state).toBe('done')
  expect(change.verdict?.sentence).toBe(
    'ADOPT: more accurate by 14.0 points; nothing else got worse (security not measured).',
  )
  expect((await store.traffic.get(MODEL))?.shares.v2).toBe(100)
  expect(await typesOf(world, id)).toEqual([
    'change-proposed',
    'checking-started',
    ...['compatibility', 'accuracy', 'stability', 'latency', 'cost'].flatMap((check) => [
      `check-started ${check}`,
      `check-finished ${check}`,
      'gate-decided',
    ]),
    'verdict-reached',
    'gate-decided',
    'staging-started',
    'staging-finished',
    'gate-decided',
    'gate-decided',
    'canary-started',
    'step-promoted',
    'step-promoted',
    'step-promoted',
    'gate-decided',
    'canary-finished',
    'champion-replaced',
    'change-closed',
  ])
  expect(verifyBundle(await changes.bundle(id), fakeJudge)).toEqual({ ok: true, problems: [] })
  expect(world.probed).toEqual(['v2', 'v2', 'v2'])
})
