import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Bundle } from '../../src/changes/bundle.ts'
import { verifyChain } from '../../src/changes/verify-chain.ts'
import { verifyRollout } from '../../src/changes/verify-rollout.ts'
import type { Change, ChangeEvent, EchoScript, Rollout, RolloutLook } from '../../src/contracts/index.ts'
import { type Installation, openInstallation } from '../../src/fleet/testing/installation.ts'
import { echoSpec } from '../../src/fleet/testing/local-place.ts'
import { type Answer, type SteadyLoad, startLoad } from '../../src/fleet/testing/steady-load.ts'
import { silentLogger, systemClock } from '../../src/kernel/index.ts'
import { openStore, type Store } from '../../src/store/index.ts'
import { prepareDataFolder } from '../../src/store/testing.ts'
import { loggedRequests } from './logged-requests.ts'
import { stageChange } from './staged-change.ts'

/**
 * Control is killed with SIGKILL, five times, while two canaries run under a steady load: the real process, its real
 * store on disk, a real gateway, real model servers. One candidate is as good as its champion; the other begins to fail
 * after some rows and is taken back. Whatever is killed when, both end as if nothing had happened.
 */
// 45 s on a quiet machine. The hook outlasts the waits, so that nothing is started any more when it gives up.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 })
const LONGEST_MS = 240_000

const GOOD = { change: 'c-600d', model: 'calm' }
const BAD = { change: 'c-0bad', model: 'burns' }
const plan = {
  steps: [30, 100],
  guards: ['errors' as const],
  guardMargins: { errors: 0.1 },
  scaleDownDelayMs: 2_000,
}

interface Told {
  readonly rollout: Rollout | null
  readonly looks: RolloutLook[]
}

let installation: Installation
let loads: Record<'calm' | 'burns', SteadyLoad>

const points: { readonly says: string; readonly holds: (good: Told, bad: Told) => boolean }[] = [
  {
    says: 'in the middle of a step',
    holds: (good, bad) =>
      [good, bad].every(({ rollout, looks }) => rollout?.state === 'progressing' && looks.length > 1),
  },
  {
    says: 'when the candidate has begun to fail and nobody has noticed',
    holds: () => loads.burns.answers.some((answer) => answer.status !== 200),
  },
  { says: 'while it takes the traffic back', holds: (_, bad) => bad.rollout?.state === 'aborting' },
  { says: 'while it gives the candidate everything', holds: (good) => good.rollout?.state === 'promoting' },
  {
    says: 'while it watches the candidate at full traffic',
    holds: () => {
      const last = loads.calm.answers.slice(-50)
      return last.length === 50 && last.every((answer) => answer.version === 'v2')
    },
  },
]
const killed: string[] = []

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-killed-'))
  await prepareDataFolder(folder)
  installation = await openInstallation({ folder })
  const scripts: Record<string, [Partial<EchoScript>, Partial<EchoScript>]> = {
    calm: [{ latencyMs: 2 }, { latencyMs: 2, seed: 2 }],
    burns: [{ latencyMs: 2 }, { latencyMs: 2, failShare: 1, afterRows: 150 }],
  }
  for (const [model, [v1, v2]] of Object.entries(scripts)) {
    await installation.call('POST', '/api/v1/models', { model, contract: echoSpec.contract })
    for (const [label, echo] of Object.entries({ v1, v2 }))
      await installation.call('POST', `/api/v1/models/${model}/versions`, {
        label,
        spec: { ...echoSpec, echo },
      })
    await installation.call('POST', '/api/v1/deployments', { model_name: model, version: 'v1' })
  }
  await until(async () => {
    const answers = await Promise.all([GOOD, BAD].map(({ model }) => oneAnswer(model)))
    return answers.every((status) => status === 200)
  })
  await withStore(async (store) => {
    for (const { change, model } of [GOOD, BAD])
      await stageChange(store, { id: change, model, champion: 'v1', candidate: 'v2', plan })
  })
  const load = (model: string) =>
    startLoad(`${installation.gatewayUrl}/api/v1/models/${model}/predict`, installation.key, 2, 15)
  loads = { calm: load('calm'), burns: load('burns') }
  await installation.startControl()
  await killAtEveryPoint()
  await until(async () => (await changeOf(GOOD)).state === 'done' && (await isClosed(BAD)))
  await systemClock.sleep(500)
  await Promise.all(Object.values(loads).map((each) => each.stop()))
  await installation.end('gateway', 'SIGTERM')
  await installation.end('control', 'SIGTERM')
})
afterAll(() => installation?.close())

/** Each point once, in the order in which they come about. */
async function killAtEveryPoint(): Promise<void> {
  const left = [...points]
  await until(async () => {
    const [good, bad] = await Promise.all([GOOD, BAD].map(toldOf))
    const at = left.findIndex((point) => point.holds(good as Told, bad as Told))
    if (at < 0) return left.length === 0
    await installation.killControl()
    killed.push(...left.splice(at, 1).map((point) => point.says))
    await systemClock.sleep(400)
    await installation.startControl()
    return left.length === 0
  })
}

async function oneAnswer(model: string): Promise<number> {
  const load = startLoad(`${installation.gatewayUrl}/api/v1/models/${model}/predict`, installation.key, 1, 0)
  const [answer] = await load.stop()
  return answer?.status ?? 0
}

const changeOf = ({ change }: typeof GOOD) => installation.call<Change>('GET', `/api/v1/changes/${change}`)
const toldOf = ({ change }: typeof GOOD) =>
  installation.call<Told>('GET', `/api/v1/changes/${change}/rollout`)

async function isClosed({ change }: typeof GOOD): Promise<boolean> {
  const { items } = await installation.call<{ items: ChangeEvent[] }>(
    'GET',
    `/api/v1/changes/${change}/events`,
  )
  return items.some((event) => event.type === 'change-closed')
}

/** The store of the installation, while control is away. */
async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  await installation.end('control', 'SIGTERM')
  const store = await openStore({
    dataFolder: installation.folder,
    logger: silentLogger(),
    clock: systemClock,
  })
  return work(store).finally(() => store.close())
}

const limit = AbortSignal.timeout(LONGEST_MS)

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    limit.throwIfAborted()
    await systemClock.sleep(20)
  }
}

const isGood = (answer: Answer) => answer.status === 200

test('control was killed at every point', () => {
  expect(killed.toSorted()).toEqual(points.map((point) => point.says).toSorted())
})

test('no request failed for it: only what the failing candidate answered is not an answer', () => {
  expect(loads.calm.answers.filter((answer) => !isGood(answer))).toEqual([])
  const failed = loads.burns.answers.filter((answer) => !isGood(answer))
  expect(failed.length).toBeGreaterThan(0)
  expect(new Set(failed.map(({ version, status }) => `${version} ${status}`))).toEqual(new Set(['v2 502']))
  expect(loads.burns.answers.slice(-50).every((answer) => isGood(answer) && answer.version === 'v1')).toBe(
    true,
  )
})

describe.each([
  {
    ...GOOD,
    state: 'done',
    rolloutState: 'done',
    splits: [
      { v1: 70, v2: 30 },
      { v1: 0, v2: 100 },
    ],
  },
  {
    ...BAD,
    state: 'rolled-back',
    rolloutState: 'rolled-back',
    splits: [
      { v1: 70, v2: 30 },
      { v1: 100, v2: 0 },
    ],
  },
])('$model', ({ change: id, model, state, rolloutState, splits }) => {
  let stored: Awaited<ReturnType<typeof readAll>>
  beforeAll(async () => {
    stored = await withStore((store) => readAll(store, id, model))
  })

  test(`ends ${state}, by one rollout whose splits were each written once`, () => {
    expect(stored.change.state).toBe(state)
    expect(stored.rollout?.state).toBe(rolloutState)
    expect(stored.splits).toEqual([{ v1: 100 }, ...splits].map(withoutZeros))
    const steps = stored.events.filter((event) => event.type === 'step-promoted')
    expect(stored.events.filter((event) => event.type === 'canary-started')).toHaveLength(1)
    expect(steps.map((event) => event.data.step)).toEqual(steps.map((_, index) => index))
    expect(stored.events.filter((event) => event.type === 'change-closed')).toHaveLength(1)
  })

  test('the chain of events and the rollout verify', () => {
    const { change, model: _, dataset, ...rest } = stored
    const bundle = { ...rest, change, model: stored.model, dataset, signOffs: [] } as unknown as Bundle
    expect([...verifyChain(bundle), ...verifyRollout(bundle)]).toEqual([])
  })

  test('every request that was answered is in the request log, once', () => {
    const asked = loads[model as 'calm' | 'burns'].answers.map((answer) => answer.requestId ?? 'unanswered')
    const { logged } = stored
    expect(new Set(logged).size).toBe(logged.length)
    expect(asked.filter((requestId) => !logged.includes(requestId))).toEqual([])
    const byOthers = logged.length - asked.length
    expect(byOthers, 'the requests that looked whether it serves').toBeLessThan(200)
  })
})

async function readAll(store: Store, id: string, model: string) {
  const change = await store.changes.get(id)
  const events = await store.changes.events(id)
  const rollout = (await store.rollouts.get(change.rolloutId ?? '')) ?? null
  const history = await store.traffic.history(model, 100)
  return {
    change,
    events,
    rollout,
    looks: rollout === null ? [] : await store.rollouts.looks(rollout.id),
    model: events[0]?.data.model,
    dataset: events[0]?.data.dataset,
    splits: history.toReversed().map((row) => withoutZeros(row.shares)),
    logged: await loggedRequests(store, model),
  }
}

function withoutZeros(shares: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(shares).filter(([, share]) => share > 0))
}
