import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi } from '../../api/index.ts'
import type { EchoScript, Rollout, RolloutPlan } from '../../contracts/index.ts'
import { defaultGatewayLimits, Gateway } from '../../gateway/index.ts'
import { macOfSecret, newKeySecret, silentLogger, systemClock } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'
import { openTestStore } from '../../store/testing.ts'
import { createTelemetry } from '../../telemetry/index.ts'
import { createLocalBackend } from '../backends/local/local-backend.ts'
import { createFleet } from '../create-fleet.ts'
import type { Fleet } from '../fleet.ts'
import { echoSpec, modelServerEntry } from '../testing/local-place.ts'
import { type SteadyLoad, startLoad } from '../testing/steady-load.ts'

/** A judge that is fed by a real gateway, about versions that run in real model servers. */
let store: Store
let fleet: Fleet
let load: SteadyLoad
const undo: (() => unknown)[] = []
const clock = systemClock
const logger = silentLogger()

const plan: RolloutPlan = {
  strategy: 'canary',
  steps: [50, 100],
  guards: ['errors'],
  guardMargins: { errors: 0.05 },
  windowMs: 1000,
  alphaAbort: 0.01,
  alphaPromote: 0.05,
  scaleDownDelayMs: 2_000,
}

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-rollout-'))
  const pepper = randomBytes(32)
  store = await openTestStore()
  const keyOf = async (scope: 'predict' | 'internal') => {
    const { publicId, secret, key } = newKeySecret()
    const limits = { requestsPerSecond: null, concurrency: null }
    const mac = macOfSecret(secret, pepper)
    await store.keys.create({
      publicId,
      mac,
      name: scope,
      tenant: 't',
      scopes: [scope],
      limits,
      expiresAt: null,
    })
    return key
  }
  const [internalKey, key] = [await keyOf('internal'), await keyOf('predict')]
  const internalKeyFile = join(folder, 'internal-key')
  writeFileSync(internalKeyFile, internalKey, { mode: 0o600 })
  const telemetry = createTelemetry({ store, clock, logger })
  const backend = createLocalBackend({
    entry: modelServerEntry,
    replicasFolder: join(folder, 'replicas'),
    logsFolder: join(folder, 'logs'),
    shortFolder: join(folder, 'short'),
    internalKeyFile,
    clock,
    logger,
  })
  fleet = createFleet({ store, backend, windowSource: telemetry, clock, logger })
  const api = await createApi({
    store,
    fleet,
    telemetry,
    changes: {} as never,
    leases: {} as never,
    batches: {} as never,
    clock,
    logger,
    pepper,
    version: '0',
    startedAt: clock.nowMs(),
    webFolder: undefined,
    processes: async () => [],
    textReplicas: async () => [],
    metrics: async () => '',
  })
  await api.listen({ host: '127.0.0.1', port: 0 })
  const gateway = new Gateway({
    name: 'gateway-0',
    host: '127.0.0.1',
    port: 0,
    reusePort: false,
    controlUrl: `http://127.0.0.1:${(api.server.address() as AddressInfo).port}`,
    internalKey,
    pepper,
    folder: join(folder, 'gateway-0'),
    limits: defaultGatewayLimits,
    clock,
    random: Math.random,
    log: logger,
  })
  const base = { description: '', owner: '', task: '', framework: '', captureFailures: false }
  await store.models.create({ model: 'spam', contract: echoSpec.contract, ...base })
  const script: EchoScript = {
    latencyMs: 4,
    perRowMs: 0,
    failShare: 0,
    slowShare: 0,
    slowFactor: 1,
    afterRows: 0,
    seed: 1,
  }
  await store.versions.register('spam', 'v1', { ...echoSpec, echo: script })
  await store.versions.register('spam', 'good', { ...echoSpec, echo: { ...script, seed: 2 } })
  await store.versions.register('spam', 'bad', { ...echoSpec, echo: { ...script, failShare: 0.9 } })
  await deploy('v1')
  const port = await gateway.start()
  load = startLoad(`http://127.0.0.1:${port}/api/v1/models/spam/predict`, key, 6, 5)
  undo.push(
    () => load.stop(),
    () => gateway.stop(),
    () => fleet.close(),
    () => api.close(),
    async () => Promise.all((await backend.list()).map((replica) => backend.stop(replica.replicaId))),
    () => backend.close(),
    () => telemetry.close(),
    () => store.close(),
    () => rmSync(folder, { recursive: true, force: true }),
  )
  await until(() => load.answers.filter((answer) => answer.status === 200).length > 200)
}, 120_000)

afterAll(async () => {
  for (const each of undo) await each()
}, 60_000)

async function deploy(version: string): Promise<void> {
  await fleet.deploy({ model: 'spam', version, replicas: 1, gpuType: null, trafficPercent: 0 })
  await fleet.whenReady('spam', version, AbortSignal.timeout(30_000))
}

async function until(holds: () => boolean | Promise<boolean>, limitMs = 100_000): Promise<void> {
  const limit = AbortSignal.timeout(limitMs)
  while (!(await holds())) {
    limit.throwIfAborted()
    await clock.sleep(50)
  }
}

async function rollOut(candidate: string): Promise<Rollout> {
  await deploy(candidate)
  const champion = (await fleet.championOf('spam')) ?? ''
  const { id } = await fleet.rollouts.start({ model: 'spam', champion, candidate, plan, changeId: null })
  await until(async () => (await store.rollouts.get(id))?.finishedAt !== null)
  return (await store.rollouts.get(id)) as Rollout
}

test('a candidate that fails is taken back by the brake, and the last request on it is accounted for', async () => {
  const rollout = await rollOut('bad')
  expect(rollout).toMatchObject({ state: 'rolled-back', step: 0 })
  expect((await store.rollouts.looks(rollout.id)).some((look) => look.decision === 'brake')).toBe(true)
  expect((await store.traffic.get('spam'))?.shares).toEqual({ v1: 100 })
  const decidedMs =
    (await store.rollouts.looks(rollout.id)).find((look) => look.decision === 'brake')?.at ?? 0
  const answered = load.answers.filter((answer) => answer.version === 'bad')
  const lastMs = Math.max(...answered.map((answer) => answer.atMs)) - decidedMs
  expect(rollout.rollbackMs).not.toBeNull()
  expect(Math.abs((rollout.rollbackMs ?? 0) - lastMs)).toBeLessThan(200)
}, 120_000)

test('a candidate that is as good takes over, and no request is lost on the way', async () => {
  const from = load.answers.length
  const rollout = await rollOut('good')
  expect(rollout).toMatchObject({ state: 'done', step: 1 })
  expect((await store.traffic.get('spam'))?.shares).toEqual({ good: 100 })
  await until(async () => (await store.deployments.find('spam', 'v1'))?.status === 'stopped')
  await clock.sleep(300)
  const answers = load.answers.slice(from)
  expect(answers.filter((answer) => answer.status !== 200)).toEqual([])
  expect(answers.at(-1)?.version).toBe('good')
}, 120_000)
