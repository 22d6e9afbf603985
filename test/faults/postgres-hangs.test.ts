import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type PrivatePostgres, privatePostgres } from '../../scripts/postgres.ts'
import type { Change, Problem } from '../../src/contracts/index.ts'
import { type Installation, openInstallation } from '../../src/fleet/testing/installation.ts'
import { echoSpec } from '../../src/fleet/testing/local-place.ts'
import { type SteadyLoad, startLoad } from '../../src/fleet/testing/steady-load.ts'
import { silentLogger, systemClock } from '../../src/kernel/index.ts'
import { openStore, type Store } from '../../src/store/index.ts'
import { loggedRequests } from './logged-requests.ts'
import { stageChange } from './staged-change.ts'

/**
 * PostgreSQL neither answers nor breaks off: every process of a real server is stopped in the middle of a canary under
 * load, for longer than any limit, and then goes on.
 */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
const isSkipped = process.env.SLIPWAY_TEST_POSTGRES === 'skip'
const CHANGE = 'c-4a96'

describe.skipIf(isSkipped)('a PostgreSQL that hangs', () => {
  let postgres: PrivatePostgres
  let installation: Installation
  let load: SteadyLoad

  beforeAll(async () => {
    postgres = await privatePostgres()
    installation = await openInstallation({ environment: { DATABASE_URL: postgres.url } })
    await installation.call('POST', '/api/v1/models', { model: 'spam', contract: echoSpec.contract })
    for (const [label, seed] of Object.entries({ v1: 1, v2: 2 })) {
      const spec = { ...echoSpec, echo: { latencyMs: 2, seed } }
      await installation.call('POST', '/api/v1/models/spam/versions', { label, spec })
    }
    await installation.call('POST', '/api/v1/deployments', { model_name: 'spam', version: 'v1' })
    await until(async () => (await oneAnswer()) === 200)
    await installation.end('control', 'SIGTERM')
    const plan = {
      steps: [30, 100],
      guards: ['errors' as const],
      guardMargins: { errors: 0.1 },
      scaleDownDelayMs: 500,
    }
    await withStore((store) =>
      stageChange(store, { id: CHANGE, model: 'spam', champion: 'v1', candidate: 'v2', plan }),
    )
    load = startLoad(url(), installation.key, 2, 15)
    await installation.startControl()
  })
  afterAll(async () => {
    signalServer('SIGCONT')
    await load?.stop()
    await installation?.close()
    await postgres?.remove()
  })

  const url = () => `${installation.gatewayUrl}/api/v1/models/spam/predict`

  async function oneAnswer(): Promise<number> {
    const [answer] = await startLoad(url(), installation.key, 1, 0).stop()
    return answer?.status ?? 0
  }

  async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
    const store = await openStore({
      dataFolder: installation.folder,
      databaseUrl: postgres.url,
      logger: silentLogger(),
      clock: systemClock,
    })
    return work(store).finally(() => store.close())
  }

  async function until(holds: () => Promise<boolean>): Promise<void> {
    const limit = AbortSignal.timeout(60_000)
    while (!(await holds())) {
      limit.throwIfAborted()
      await systemClock.sleep(50)
    }
  }

  /** The postmaster first, so that it starts nothing new, then its children. */
  function signalServer(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const postmaster = Number(
      readFileSync(join(postgres.folder, 'data/postmaster.pid'), 'utf8').split('\n')[0],
    )
    process.kill(postmaster, signal)
    for (const pid of readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number))
      if (parentOf(pid) === postmaster) process.kill(pid, signal)
  }

  function parentOf(pid: number): number | undefined {
    try {
      return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    } catch {
      return undefined
    }
  }

  const stateOf = async () => (await installation.call<Change>('GET', `/api/v1/changes/${CHANGE}`)).state

  test('every call is answered in bounded time, and says when to come again', async () => {
    await until(
      async () => (await stateOf()) === 'canary' && load.answers.some(({ version }) => version === 'v2'),
    )
    signalServer('SIGSTOP')
    const from = load.answers.length
    // More than there are connections: some wait for an answer, others for a connection.
    const refused = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        n % 2 === 0
          ? installation.ask('GET', '/api/v1/models')
          : installation.ask('POST', '/api/v1/models', { model: `m${n}`, contract: echoSpec.contract }),
      ),
    )
    for (const answer of refused) {
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBe('2')
      expect(((await answer.json()) as Problem).code).toBe('store_unavailable')
    }
    // Connections that hung are given up: from now on it is known within the time of a connect.
    const soon = AbortSignal.timeout(10_000)
    const again = await Promise.all(
      Array.from({ length: 8 }, () => installation.ask('GET', '/api/v1/models')),
    )
    expect(new Set(again.map(({ status }) => status))).toEqual(new Set([503]))
    expect((await installation.ask('GET', '/readyz')).status).toBe(503)
    soon.throwIfAborted()
    expect(load.answers.length).toBeGreaterThan(from + 100)
    expect(load.answers.slice(from).filter(({ status }) => status !== 200)).toEqual([])
  })

  test('when it goes on, so do jobs, the canary and telemetry, each once', async () => {
    signalServer('SIGCONT')
    await until(async () => (await installation.ask('GET', '/readyz')).status === 200)
    await until(async () => (await stateOf()) === 'done')
    await systemClock.sleep(500)
    await load.stop()
    await installation.end('gateway', 'SIGTERM')
    await installation.end('control', 'SIGTERM')
    expect(load.answers.filter(({ status }) => status !== 200).map(({ body }) => body)).toEqual([])
    await withStore(async (store) => {
      const logged = await loggedRequests(store, 'spam')
      expect(new Set(logged).size).toBe(logged.length)
      const asked = load.answers.map(({ requestId }) => requestId ?? 'unanswered')
      expect(asked.filter((id) => !logged.includes(id))).toEqual([])
      const splits = (await store.traffic.history('spam', 100))
        .toReversed()
        .map(({ shares }) => shares.v2 ?? 0)
      expect(splits).toEqual([0, 30, 100])
      const types = (await store.changes.events(CHANGE)).map(({ type }) => type)
      expect(types.filter((type) => type === 'canary-started' || type === 'champion-replaced')).toHaveLength(
        2,
      )
      expect(types.filter((type) => type === 'change-closed')).toHaveLength(1)
    })
  })
})
