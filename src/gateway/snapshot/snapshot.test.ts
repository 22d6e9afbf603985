import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fc, test as property } from '@fast-check/vitest'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../kernel/index.ts'
import { until, World, type WorldOptions } from '../testing/world.ts'
import { EventStreamReader, type ServerEvent } from './event-stream.ts'

const worlds: World[] = []
const open = async (options: WorldOptions = {}) => {
  const world = await World.open(options)
  worlds.push(world)
  return world
}
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

const rows = [{ pixels: [1, 2, 3, 4] }]
const storedAt = (world: World) => join(world.folder, 'gateway-0', 'snapshot.json')

describe('the event stream', () => {
  property.prop([
    fc.array(
      fc.record({ event: fc.constantFrom('snapshot', 'other'), data: fc.string({ unit: 'grapheme' }) }),
      {
        maxLength: 5,
      },
    ),
    fc.constantFrom('\n', '\r\n', '\r'),
    fc.array(fc.nat(7), { minLength: 1 }),
  ])('is read the same however it is cut into pieces', (events, newline, cuts) => {
    const lines = (data: string) => data.split(/\r\n|\n|\r/)
    const text = events
      .map(({ event, data }) =>
        [': comment', `event: ${event}`, ...lines(data).map((line) => `data: ${line}`), '', ''].join(newline),
      )
      .join('')
    const seen: ServerEvent[] = []
    const reader = new EventStreamReader(1_000_000, (event) => seen.push(event))
    const bytes = Buffer.from(text)
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = 1 + (cuts[turn % cuts.length] as number)
      reader.push(bytes.subarray(at, at + size))
      at += size
    }
    expect(seen).toEqual(events.map(({ event, data }) => ({ event, data: lines(data).join('\n') })))
  })

  test.each([
    ['one endless line', 'data: xxxxxxxxxx'],
    ['endless lines', 'data: x\n'],
  ])('%s is refused instead of kept', (_, text) => {
    const reader = new EventStreamReader(1000, () => undefined)
    expect(() => {
      for (let index = 0; index < 2000; index++) reader.push(Buffer.from(text))
    }).toThrow(RangeError)
  })
})

describe('without control', () => {
  test('a gateway that never saw a snapshot is alive, not ready, and says what is missing', async () => {
    const world = await open({ startControl: false, awaitReady: false })
    expect((await world.send({ method: 'GET', path: '/livez' })).status).toBe(200)
    expect((await world.send({ method: 'GET', path: '/readyz' })).status).toBe(503)
    const answer = await world.predict(rows)
    expect([answer.status, answer.json.code]).toEqual([503, 'control_unavailable'])
  })

  test('a gateway that restarts serves from the snapshot on disk, and follows control when it is back', async () => {
    const world = await open()
    await until(async () => (await stat(storedAt(world)).catch(() => undefined)) !== undefined)
    await world.control.stop()
    await world.gateway.stop()
    world.gateway = world.newGateway()
    world.port = await world.gateway.start()
    expect((await world.predict(rows)).status).toBe(200)
    expect(await world.metric('slipway_gateway_control_connected')).toBe(0)
    await world.control.start()
    await world.addReplica('v2')
    await until(() => world.control.watchers === 1)
    await world.swap(world.snapshot({ v2: 100 }))
    expect((await world.predict(rows)).json.version).toBe('v2')
  })

  test('the stored snapshot is for its owner alone', async () => {
    const world = await open()
    await until(async () => (await stat(storedAt(world)).catch(() => undefined)) !== undefined)
    expect((await stat(storedAt(world))).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(storedAt(world), 'utf8'))).toMatchObject({ revision: 1 })
  })

  test.each(['{"revision":', '{"revision":"x"}', ''])(
    'a stored snapshot of %j is not served',
    async (text) => {
      const world = await open()
      await world.control.stop()
      await world.gateway.stop()
      await mkdir(join(world.folder, 'gateway-0'), { recursive: true })
      await writeFile(storedAt(world), text)
      world.gateway = world.newGateway()
      world.port = await world.gateway.start()
      expect((await world.send({ method: 'GET', path: '/readyz' })).status).toBe(503)
    },
  )
})

describe('a new snapshot', () => {
  test('is taken though it comes in one piece with the one before', async () => {
    const world = await open()
    world.publish(world.snapshot())
    await world.swap(world.snapshot())
    expect((await world.predict(rows)).status).toBe(200)
  })

  test.each(['not json', '{}', '{"revision":2,"createdAt":0,"models":[{}],"keys":[]}'])(
    'of %j is refused: the one in use stays',
    async (data) => {
      const world = await open()
      world.control.publishRaw(data)
      await systemClock.sleep(50)
      expect((await world.predict(rows)).status).toBe(200)
      expect(await world.metric('slipway_gateway_snapshot_revision')).toBe(1)
    },
  )

  test('again and again under load: not one request fails, and each split is obeyed', async () => {
    const world = await open({ replicas: { v1: 2, v2: 1 }, shares: { v1: 100, v2: 0 } })
    let running = true
    const statuses = new Map<number, number>()
    const load = Array.from({ length: 8 }, async () => {
      while (running) {
        const { status } = await world.predict(rows)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    })
    for (const share of [1, 5, 25, 50, 100, 0, 50]) {
      await world.swap(world.snapshot({ v1: 100 - share, v2: share }))
      await systemClock.sleep(30)
    }
    // The last swaps add a version, move all traffic to it at once, and take the old ones away.
    await world.addReplica('v3')
    await world.swap(world.snapshot({ v3: 100 }))
    world.replicas.delete('v1')
    world.replicas.delete('v2')
    await world.swap(world.snapshot({ v3: 100 }))
    await systemClock.sleep(50)
    running = false
    await Promise.all(load)
    expect([...statuses.keys()]).toEqual([200])
    expect(statuses.get(200)).toBeGreaterThan(100)
    expect((await world.predict(rows)).json.version).toBe('v3')
  })

  test('that names a replica nobody answers at waits a moment, then takes over without it', async () => {
    const world = await open({ limits: { connectGraceMs: 100 } })
    const snapshot = world.snapshot()
    snapshot.models[0]?.versions[0]?.replicas.push({
      id: 'ghost',
      address: `unix:${join(world.folder, 'ghost.sock')}`,
      draining: false,
    })
    await world.swap(snapshot)
    for (let index = 0; index < 20; index++) expect((await world.predict(rows)).status).toBe(200)
  })

  test('a version without traffic and without replicas is told apart', async () => {
    const world = await open({ replicas: { v1: 1, v2: 0 } })
    expect((await world.predict(rows, { params: { version: 'v2' } })).json.code).toBe('unknown_version')
    world.replicas.set('v2', [])
    await world.swap(world.snapshot({ v2: 100 }))
    expect((await world.predict(rows)).json.code).toBe('replica_unready')
    const without = world.snapshot()
    if (without.models[0] !== undefined) without.models[0].slices = []
    await world.swap(without)
    expect((await world.predict(rows)).json.code).toBe('no_traffic')
  })
})
