import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../kernel/index.ts'
import { type Installation, openInstallation } from './testing/installation.ts'
import { echoSpec } from './testing/local-place.ts'
import { type Answer, type SteadyLoad, startLoad } from './testing/steady-load.ts'

/** The real processes: control, a gateway, model servers, signals; every request of a steady load is accounted for. */
let installation: Installation

const CLIENTS = 8

beforeAll(async () => {
  installation = await openInstallation()
  await installation.call('POST', '/api/v1/models', { model: 'spam', contract: echoSpec.contract })
  for (const label of ['v1', 'v2']) {
    const echo = { latencyMs: label === 'v1' ? 5 : 6 }
    await installation.call('POST', '/api/v1/models/spam/versions', { label, spec: { ...echoSpec, echo } })
  }
  await deploy('v1', 2)
  await until(async () => (await traffic()).v1 === 100)
  await until(async () => (await underLoad(async () => systemClock.sleep(100))).every(isGood))
}, 120_000)
afterAll(() => installation?.close())

interface Row {
  version: string
  status: string
  replicas: number
  ready_replicas: number
}

async function deploy(version: string, replicas: number): Promise<void> {
  const wanted = { model_name: 'spam', version, resources: { replicas } }
  await installation.call('POST', '/api/v1/deployments', wanted)
  await until(async () => (await row(version))?.ready_replicas === replicas)
}

async function row(version: string): Promise<Row | undefined> {
  const { items } = await installation.call<{ items: Row[] }>('GET', '/api/v1/deployments/spam')
  return items.find((each) => each.version === version)
}

async function traffic(): Promise<Record<string, number>> {
  const split = await installation
    .call<{ shares: Record<string, number> }>('GET', '/api/v1/deployments/spam/traffic')
    .catch(() => undefined)
  return split?.shares ?? {}
}

const setTraffic = (shares: Record<string, number>) =>
  installation.call('PUT', '/api/v1/deployments/spam/traffic', shares)

async function readyIds(version: string): Promise<string[]> {
  const replicas = await installation.replicas()
  return replicas
    .filter((each) => each.label === version && each.alive && each.status.phase === 'ready')
    .map((each) => each.replicaId)
}

/** What ended stays listed for a while: it tells why. */
async function living() {
  return (await installation.replicas()).filter((each) => each.alive)
}

async function underLoad(act: (load: SteadyLoad) => Promise<unknown>): Promise<Answer[]> {
  const load = startLoad(
    `${installation.gatewayUrl}/api/v1/models/spam/predict`,
    installation.key,
    CLIENTS,
    2,
  )
  try {
    await act(load)
  } finally {
    await load.stop()
  }
  return load.answers
}

const isGood = (answer: Answer) => answer.status === 200

async function until(holds: () => Promise<boolean>): Promise<void> {
  const limit = AbortSignal.timeout(30_000)
  while (!(await holds())) {
    limit.throwIfAborted()
    await systemClock.sleep(20)
  }
}

describe('under load', () => {
  test('a replica that is killed is replaced; only what it held in its hands is lost', async () => {
    const [victim] = await living()
    const answers = await underLoad(async () => {
      await systemClock.sleep(300)
      process.kill(victim?.status.pid ?? 0, 'SIGKILL')
      await until(async () => {
        const ids = await readyIds('v1')
        return ids.length === 2 && !ids.includes(victim?.replicaId ?? '')
      })
      await systemClock.sleep(300)
    })
    const lost = answers.filter((answer) => !isGood(answer))
    expect(lost.length).toBeLessThanOrEqual(CLIENTS)
    for (const answer of lost) expect(answer.body).toMatch(/replica_lost/)
    expect(new Set(answers.slice(-50).map((answer) => answer.replica)).size).toBe(2)
  })

  test('scaling up and down loses nothing', async () => {
    const answers = await underLoad(async () => {
      for (const replicas of [3, 1, 2]) {
        await installation.call('PATCH', '/api/v1/deployments/spam/v1', { replicas })
        await until(
          async () => (await living()).length === replicas && (await readyIds('v1')).length === replicas,
        )
        await systemClock.sleep(200)
      }
    })
    expect(answers.filter((answer) => !isGood(answer))).toEqual([])
  })

  test('replacing a version loses nothing, and going back is quick', async () => {
    let decidedMs = 0
    const answers = await underLoad(async () => {
      await deploy('v2', 2)
      for (const v2 of [10, 50, 100]) {
        await setTraffic({ v1: 100 - v2, v2 })
        await systemClock.sleep(300)
      }
      decidedMs = Date.now()
      await installation.call('POST', '/api/v1/deployments/spam/rollback')
      await systemClock.sleep(1_000)
    })
    expect(answers.filter((answer) => !isGood(answer))).toEqual([])
    const lastOfV2 = Math.max(...answers.filter((each) => each.version === 'v2').map((each) => each.atMs))
    expect(lastOfV2).toBeGreaterThan(decidedMs - 1_000)
    expect(answers.at(-1)?.version).toBe('v1')
    expect(await traffic()).toEqual({ v1: 100 })
  })

  test('stopping the version that lost its traffic loses nothing', async () => {
    const answers = await underLoad(async () => {
      await installation.call('DELETE', '/api/v1/deployments/spam/v2')
      await until(async () => (await readyIds('v2')).length === 0)
    })
    expect(answers.filter((answer) => !isGood(answer))).toEqual([])
  })

  test('control may be killed: requests go on, and the next one takes over the very replicas', async () => {
    const before = await readyIds('v1')
    const answers = await underLoad(async () => {
      await installation.killControl()
      await systemClock.sleep(500)
      await installation.startControl()
      await until(async () => (await row('v1'))?.ready_replicas === 2)
      await systemClock.sleep(1_500)
    })
    expect(answers.filter((answer) => !isGood(answer))).toEqual([])
    expect(await readyIds('v1')).toEqual(before)
    expect(await traffic()).toEqual({ v1: 100 })
  })
})
