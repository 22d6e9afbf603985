import { afterEach, describe, expect, test } from 'vitest'
import type { Change, ChangeState } from '../contracts/index.ts'
import type { Clock } from '../kernel/index.ts'
import { type Changes, createChanges } from './index.ts'
import { GOOD } from './testing/fake-lab.ts'
import { by, MODEL, openWorld, proposalOf, type World } from './testing/world.ts'

/** The real job queue, real time to wait in, and the world's own clock for what is written. */
const undos: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const undo of undos.splice(0).reverse()) await undo()
})

async function open(
  scripts: Parameters<typeof openWorld>[0] = {},
  isTicking = true,
): Promise<World & { changes: Changes }> {
  const world = await openWorld(scripts)
  undos.push(() => world.store.close())
  let isOpen = true
  const ticking = (async () => {
    while (isOpen && isTicking) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      world.clock.add(1_000)
      await world.fleet.tick().catch(() => undefined)
    }
  })()
  undos.push(async () => {
    isOpen = false
    await ticking
  })
  return { ...world, changes: await run(world) }
}

/** A control process: opened, and closed at the end of the test at the latest. */
async function run(world: World): Promise<Changes> {
  const clock: Clock = { ...world.clock, sleep: realSleep }
  const changes = createChanges({ ...world.parts, clock })
  await changes.open()
  undos.push(() => changes.close())
  return changes
}

async function realSleep(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, Math.min(ms, 30))
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}

async function until(world: World, id: string, wanted: (change: Change) => boolean): Promise<Change> {
  for (let tries = 0; tries < 1_500; tries++) {
    const change = await world.store.changes.get(id)
    if (wanted(change)) return change
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`still ${(await world.store.changes.get(id)).state}`)
}
const is =
  (...states: ChangeState[]) =>
  ({ state }: Change) =>
    states.includes(state)

test('a started change runs to its end by itself; starting twice is the same as once', async () => {
  const world = await open()
  const seen: string[] = []
  undos.push(async () => world.changes.onChange((id) => seen.push(id))())
  const undo = world.changes.onChange((id) => seen.push(id))
  const { id } = await world.changes.propose(proposalOf(), by('ada'))
  await Promise.all([
    world.changes.start(id, by('ada')),
    world.changes.start(id, by('ada')).catch(() => undefined),
  ])
  await until(world, id, is('done'))
  undo()
  expect((await world.changes.start(id, by('ada')).catch((error: unknown) => error)) as Error).toMatchObject({
    code: 'change_conflict',
  })
  expect(world.lab.runs).toEqual(['compatibility', 'accuracy', 'stability', 'latency', 'cost'])
  expect(seen).toContain(id)
})

test('two changes move at once, but never measure at once', async () => {
  const world = await open()
  let measuring = 0
  let most = 0
  const run = world.lab.run
  world.parts.lab.run = async (...given) => {
    most = Math.max(most, ++measuring)
    await new Promise((resolve) => setTimeout(resolve, 5))
    return run(...given).finally(() => measuring--)
  }
  const first = await world.changes.propose(proposalOf(), by('ada'))
  const second = await world.changes.propose(proposalOf({ label: 'v3', seed: 3 }), by('bo'))
  await world.changes.start(first.id, by('ada'))
  await world.changes.start(second.id, by('bo'))
  const ends = await Promise.all([first, second].map(({ id }) => until(world, id, is('done', 'blocked'))))
  expect(ends.map(({ state }) => state).sort()).toEqual(['blocked', 'done'])
  expect(most).toBe(1)
})

test('an abort during a check ends it within a second, even one that does not listen', async () => {
  const world = await open({ lab: { ...GOOD, deaf: 'stability' } })
  const { id } = await world.changes.propose(proposalOf(), by('ada'))
  await world.changes.start(id, by('ada'))
  for (let tries = 0; !world.lab.runs.includes('stability') && tries < 1_500; tries++) await realSleep(10)
  await world.changes.abort(id, 'wrong file', by('bo'))
  for (let tries = 0; tries < 300; tries++) {
    if ((await world.store.changes.events(id)).at(-1)?.type === 'change-closed') break
    await realSleep(10)
  }
  expect(await world.store.changes.get(id)).toMatchObject({ state: 'withdrawn', reason: 'wrong file' })
  expect((await world.store.changes.events(id)).at(-1)?.type).toBe('change-closed')
  expect((await world.store.deployments.find(MODEL, 'v2'))?.status).toBe('stopped')
})

describe('in the canary', () => {
  const inCanary = async (world: World & { changes: Changes }) => {
    const { id } = await world.changes.propose(proposalOf(), by('ada'))
    await world.changes.start(id, by('ada'))
    await until(world, id, ({ state, rolloutId }) => state === 'canary' && rolloutId !== null)
    return id
  }

  test('a person holds it, and lets it go on', async () => {
    const world = await open({}, false)
    const id = await inCanary(world)
    await world.fleet.tick()
    const held = await world.changes.pause(id, by('bo'))
    await world.changes.pause(id, by('bo'))
    const rollout = () => world.store.rollouts.get(held.rolloutId as string)
    expect(held.reason).toBe('held by bo')
    expect(await rollout()).toMatchObject({ state: 'paused', reason: 'manual: held by bo' })
    expect((await world.changes.resume(id, by('bo'))).reason).toBeNull()
    expect((await rollout())?.state).toBe('progressing')
    const types = (await world.store.changes.events(id)).map(({ type }) => type)
    expect(types.filter((type) => type.startsWith('canary-'))).toEqual([
      'canary-started',
      'canary-paused',
      'canary-resumed',
    ])
  })

  test('a person goes back: the rollout is told at once, and an incident is kept', async () => {
    const world = await open({}, false)
    const id = await inCanary(world)
    await world.fleet.tick()
    const back = await world.changes.abort(id, 'customers complain', by('bo'))
    expect((await world.store.rollouts.get(back.rolloutId as string))?.state).toBe('aborting')
    for (
      let tries = 0;
      tries < 300 && (await world.store.changes.events(id)).at(-1)?.type !== 'change-closed';
      tries++
    ) {
      world.clock.add(1_000)
      await world.fleet.tick()
      await realSleep(20)
    }
    expect(await world.store.changes.get(id)).toMatchObject({
      state: 'rolled-back',
      reason: 'customers complain',
    })
    const [incident] = (await world.store.incidents.list({ model: MODEL }, { limit: 5 })).items
    expect(incident).toMatchObject({
      changeId: id,
      actions: [{ what: 'All traffic went back to v1 (bo).' }, {}, {}],
    })
    await expect(world.changes.abort(id, 'again', by('bo'))).rejects.toMatchObject({
      code: 'change_conflict',
    })
  })

  test('a process that ends there is followed by one that carries on', async () => {
    const world = await open({}, false)
    const id = await inCanary(world)
    await world.changes.close()
    await run(world)
    for (let tries = 0; tries < 400 && !is('done')(await world.store.changes.get(id)); tries++) {
      world.clock.add(1_000)
      await world.fleet.tick()
      await realSleep(20)
    }
    expect((await world.store.changes.get(id)).state).toBe('done')
    expect(world.lab.runs.length).toBe(5)
  })
})

test('closing during a check leaves the change to the next process, which measures only what is missing', async () => {
  const world = await open()
  const run0 = world.lab.run
  let isHeld = true
  world.parts.lab.run = async (check, context, plan, run) => {
    if (check !== 'latency' || !isHeld) return run0(check, context, plan, run)
    await new Promise((_, reject) => run.signal.addEventListener('abort', () => reject(run.signal.reason)))
    throw new Error('not reached')
  }
  const { id } = await world.changes.propose(proposalOf(), by('ada'))
  await world.changes.start(id, by('ada'))
  for (let tries = 0; tries < 1_500; tries++) {
    const events = await world.store.changes.events(id)
    if (events.some(({ type, data }) => type === 'check-started' && data.check === 'latency')) break
    await realSleep(10)
  }
  await world.changes.close()
  expect((await world.store.changes.get(id)).state).toBe('checking')
  isHeld = false
  await run(world)
  await until(world, id, is('done'))
  expect(world.lab.runs).toEqual(['compatibility', 'accuracy', 'stability', 'latency', 'cost'])
})
