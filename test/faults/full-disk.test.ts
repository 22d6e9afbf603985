import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Problem } from '../../src/contracts/index.ts'
import { type Installation, openInstallation } from '../../src/fleet/testing/installation.ts'
import { echoSpec } from '../../src/fleet/testing/local-place.ts'
import { type SteadyLoad, startLoad } from '../../src/fleet/testing/steady-load.ts'
import { silentLogger, systemClock } from '../../src/kernel/index.ts'
import { openStore } from '../../src/store/index.ts'
import { prepareDataFolder } from '../../src/store/testing.ts'
import { loggedRequests } from './logged-requests.ts'

/**
 * The whole data folder, logs included, on a file system of its own that is really full: a tmpfs, which takes root.
 * Left out only on request: a suite that skips itself is green where it proves nothing.
 */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })
const isSkipped = process.env.SLIPWAY_TEST_FULL_DISK === 'skip'
const MIB = 2 ** 20

describe.skipIf(isSkipped)('a full disk', () => {
  let disk: string
  let installation: Installation
  let load: SteadyLoad

  beforeAll(async () => {
    disk = mkdtempSync(join(tmpdir(), 'slipway-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m', 'tmpfs', disk])
    const folder = join(disk, 'data')
    mkdirSync(folder)
    await prepareDataFolder(folder)
    installation = await openInstallation({ folder })
    await installation.call('POST', '/api/v1/models', { model: 'spam', contract: echoSpec.contract })
    await installation.call('POST', '/api/v1/models/spam/versions', { label: 'v1', spec: echoSpec })
    await installation.call('POST', '/api/v1/deployments', { model_name: 'spam', version: 'v1' })
    await until(async () => (await answersOf(1))[0] === 200)
    const url = `${installation.gatewayUrl}/api/v1/models/spam/predict`
    load = startLoad(url, installation.key, 2, 10)
  })
  afterAll(async () => {
    rmSync(join(disk, 'ballast'), { force: true })
    await load?.stop()
    await installation?.close()
    execFileSync('umount', [disk])
    rmSync(disk, { recursive: true, force: true })
  })

  /** Leaves so much room, and not a byte more where that is none. */
  function fillUpTo(leftBytes: number): void {
    const file = openSync(join(disk, 'ballast'), 'a')
    const freeBytes = () => statfsSync(disk).bavail * statfsSync(disk).bsize
    try {
      while (freeBytes() > leftBytes) writeSync(file, Buffer.alloc(Math.min(MIB, freeBytes() - leftBytes)))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  async function until(holds: () => Promise<boolean>): Promise<void> {
    const limit = AbortSignal.timeout(40_000)
    while (!(await holds())) {
      limit.throwIfAborted()
      await systemClock.sleep(50)
    }
  }

  async function answersOf(count: number): Promise<number[]> {
    if (load === undefined) {
      const once = startLoad(`${installation.gatewayUrl}/api/v1/models/spam/predict`, installation.key, 1, 0)
      const [answer] = await once.stop()
      before.push(answer?.requestId ?? '')
      return [answer?.status ?? 0]
    }
    const from = load.answers.length
    await until(async () => load.answers.length >= from + count)
    return load.answers.slice(from).map((answer) => answer.status)
  }
  const before: string[] = []

  async function metric(name: string): Promise<number> {
    const answer = await fetch(`${installation.gatewayUrl}/metrics`, {
      headers: { authorization: `Bearer ${installation.key}` },
    })
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await answer.text())?.[1])
  }

  const newModel = (model: string) =>
    installation.ask('POST', '/api/v1/models', { model, contract: echoSpec.contract })

  test('almost full: control refuses to write and says why; it shows what is there; gateways keep records', async () => {
    fillUpTo(40 * MIB)
    const refused = await newModel('more')
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('2')
    const problem = (await refused.json()) as Problem
    expect(problem.code).toBe('store_unavailable')
    expect(problem.detail).toMatch(
      /the disk of .* is full: \d+ MiB are left, and the embedded store wants 64/,
    )
    expect((await installation.ask('GET', '/api/v1/models')).status).toBe(200)
    expect((await installation.ask('GET', '/readyz')).status).toBe(503)
    await until(async () => (await metric('slipway_gateway_spill_batches')) > 3)
    expect(new Set(await answersOf(100))).toEqual(new Set([200]))
    expect(await metric('slipway_gateway_telemetry_dropped_total')).toBe(0)
  })

  test('a store that is opened then says so too, and leaves nothing behind', async () => {
    const other = openStore({ dataFolder: join(disk, 'other'), logger: silentLogger(), clock: systemClock })
    await expect(other).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('full to the last byte: control answers why, gateways answer on', async () => {
    fillUpTo(0)
    const refused = await installation.ask('GET', '/api/v1/models')
    expect([refused.status, ((await refused.json()) as Problem).code]).toEqual([503, 'store_unavailable'])
    expect(new Set(await answersOf(200))).toEqual(new Set([200]))
    expect((await installation.ask('GET', '/livez')).status).toBe(200)
  })

  test('with room again all goes on by itself, and every record is stored or told as dropped', async () => {
    rmSync(join(disk, 'ballast'))
    await until(async () => (await newModel('more')).status === 201)
    expect(new Set(await answersOf(100))).toEqual(new Set([200]))
    await load.stop()
    await until(async () => (await metric('slipway_gateway_spill_batches')) === 0)
    await systemClock.sleep(300)
    const dropped = await metric('slipway_gateway_telemetry_dropped_total')
    await installation.end('gateway', 'SIGTERM')
    await installation.end('control', 'SIGTERM')
    const store = await openStore({
      dataFolder: installation.folder,
      logger: silentLogger(),
      clock: systemClock,
    })
    const logged = await loggedRequests(store, 'spam')
    await store.close()
    const asked = load.answers.map((answer) => answer.requestId ?? 'unanswered')
    expect(new Set(logged).size).toBe(logged.length)
    expect(asked.filter((id) => !logged.includes(id)).length).toBe(dropped)
  })
})
