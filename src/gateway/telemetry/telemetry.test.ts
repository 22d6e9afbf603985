import { appendFile, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RequestRecord, TelemetryBatch } from '../../contracts/index.ts'
import { seededRandom, silentLogger, systemClock } from '../../kernel/index.ts'
import { FakeControl } from '../testing/fake-control.ts'
import { until } from '../testing/world.ts'
import { batchPoster } from './post-batch.ts'
import { type PostOutcome, TelemetrySender } from './sender.ts'
import { Spill, type SpillOptions } from './spill.ts'

let folder: string
const closers: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slw-spill-'))
})
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  await rm(folder, { recursive: true, force: true })
})

const recordOf = (index: number, more: Partial<RequestRecord> = {}): RequestRecord => ({
  requestId: `r-${index}`,
  at: 1,
  model: 'm',
  version: 'v1',
  replica: 'v1-0',
  tenant: 't',
  key: 'k',
  assignment: 'split',
  experiment: 'e',
  bucket: 7,
  status: 200,
  outcome: 'ok',
  code: null,
  latencyMs: 1,
  queueMs: 0,
  computeMs: 0,
  rows: 1,
  retries: 0,
  ...more,
})
const idsOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `r-${from + index}`)

const startControl = async () => {
  const control = await new FakeControl('key').start()
  closers.push(() => control.stop())
  return control
}

const spillOf = (more: Partial<SpillOptions> = {}) =>
  new Spill({ folder, maxBytes: 10_000_000, segmentBytes: 20_000, ...more })

const senderTo = (
  post: (batch: Uint8Array) => Promise<PostOutcome>,
  more: { spill?: Spill; gateway?: string; maxBuffers?: number } = {},
) => {
  const sender = new TelemetrySender({
    gateway: 'gateway-0.a',
    spill: spillOf(),
    post,
    clock: systemClock,
    random: seededRandom(1),
    log: silentLogger(),
    intervalMs: 10,
    ...more,
  })
  sender.start()
  closers.push(() => sender.stop())
  return sender
}

const send = (sender: TelemetrySender, from: number, to: number, more: Partial<RequestRecord> = {}) => {
  for (let index = from; index < to; index++) sender.record(recordOf(index, more))
}

describe('control is there', () => {
  test('every record arrives once, in order, and nothing touches the disk', async () => {
    const control = await startControl()
    const sender = senderTo(batchPoster(control.url, 'key').post)
    send(sender, 0, 2500)
    await until(() => control.records.length === 2500)
    expect(control.records.map((record) => record.requestId)).toEqual(idsOf(0, 2500))
    expect(control.batches.map((batch) => batch.sequence)).toEqual(
      control.batches.map((_, index) => index + 1),
    )
    expect(await readdir(folder)).toEqual([])
    expect(sender.state).toEqual({ queued: 0, sent: 2500, dropped: 0 })
  })

  test('stop sends what is left', async () => {
    const control = await startControl()
    const sender = senderTo(batchPoster(control.url, 'key').post)
    send(sender, 0, 50)
    await sender.stop()
    expect(control.records).toHaveLength(50)
  })

  test('a batch stays below a megabyte, however large the inputs that were kept', async () => {
    const control = await startControl()
    const sender = senderTo(batchPoster(control.url, 'key').post)
    send(sender, 0, 40, { input: 'x'.repeat(60_000) })
    await until(() => control.records.length === 40)
    expect(control.batches.length).toBeGreaterThan(1)
    for (const batch of control.batches) expect(JSON.stringify(batch).length).toBeLessThan(1_000_000)
  })

  test('what control will never take is counted and told, and does not hold up the rest', async () => {
    const control = await startControl()
    control.mood = 422
    const sender = senderTo(batchPoster(control.url, 'key').post)
    send(sender, 0, 10)
    await until(() => sender.state.dropped === 10)
    control.mood = 200
    send(sender, 10, 12)
    await until(() => control.records.length === 2)
    expect(control.dropped).toBe(10)
  })
})

describe('control is away', () => {
  test.each<[string, (control: FakeControl) => unknown, (control: FakeControl) => unknown]>([
    ['gone', (control) => control.stop(), (control) => control.start()],
    [
      'answering 503',
      (control) => {
        control.mood = 503
      },
      (control) => {
        control.mood = 200
      },
    ],
    [
      'rejecting the key',
      (control) => {
        control.mood = 401
      },
      (control) => {
        control.mood = 200
      },
    ],
  ])('%s: records wait on disk and arrive once, in order, when it is back', async (_, leave, comeBack) => {
    const control = await startControl()
    const sender = senderTo(batchPoster(control.url, 'key').post)
    send(sender, 0, 100)
    await until(() => control.records.length === 100)
    await leave(control)
    for (let index = 100; index < 500; index += 50) {
      send(sender, index, index + 50)
      await systemClock.sleep(20)
    }
    expect((await readdir(folder)).length).toBeGreaterThan(0)
    await comeBack(control)
    send(sender, 500, 600)
    await until(() => control.records.length >= 600)
    expect(control.records.map((record) => record.requestId)).toEqual(idsOf(0, 600))
    expect(control.dropped).toBe(0)
    // Control has the last batch a moment before its sender has the answer, and only then is it taken off the disk.
    await until(async () => (await readdir(folder)).length === 0)
  })

  test('an answer that got lost makes no duplicate', async () => {
    const control = await startControl()
    const { post } = batchPoster(control.url, 'key')
    let lost = 0
    const sender = senderTo(async (batch) => {
      const outcome = await post(batch)
      return outcome === 'taken' && lost++ < 3 ? 'unreachable' : outcome
    })
    send(sender, 0, 30)
    await until(() => sender.state.sent === 30)
    expect([control.records.length, control.duplicates]).toEqual([30, 3])
  })

  test('hanging: the queue does not overflow into nothing', async () => {
    const control = await startControl()
    control.mood = 'hang'
    const sender = senderTo(batchPoster(control.url, 'key').post, { maxBuffers: 4 })
    for (let index = 0; index < 10_000; index += 500) {
      send(sender, index, index + 500)
      await systemClock.sleep(15)
    }
    control.mood = 200
    await until(() => control.records.length >= 10_000, 15_000)
    expect(control.records.map((record) => record.requestId)).toEqual(idsOf(0, 10_000))
    expect(sender.state.dropped).toBe(0)
  })

  test('what one process could not send, the next one does, before its own', async () => {
    const control = await startControl()
    await control.stop()
    const first = senderTo(batchPoster(control.url, 'key').post)
    send(first, 0, 300)
    await systemClock.sleep(30)
    send(first, 300, 350)
    await first.stop()
    await control.start()
    const second = senderTo(batchPoster(control.url, 'key').post, {
      gateway: 'gateway-0.b',
      spill: spillOf(),
    })
    send(second, 350, 400)
    await until(() => control.records.length >= 400)
    expect(control.records.map((record) => record.requestId)).toEqual(idsOf(0, 400))
    expect(new Set(control.batches.map((batch) => batch.gateway))).toEqual(
      new Set(['gateway-0.a', 'gateway-0.b']),
    )
  })

  test('a line that a crash tore is counted as lost, and the rest arrives', async () => {
    const control = await startControl()
    const whole: TelemetryBatch = {
      gateway: 'old',
      sequence: 1,
      dropped: 0,
      records: [recordOf(0), recordOf(1)],
    }
    const torn = JSON.stringify({ ...whole, sequence: 2 }).slice(0, -200)
    await writeFile(join(folder, '00000003.ndjson'), `${JSON.stringify(whole)}\n${torn}`)
    await appendFile(join(folder, 'notes.txt'), 'not ours')
    const sender = senderTo(batchPoster(control.url, 'key').post)
    send(sender, 2, 3)
    await until(() => control.records.length === 3 && control.dropped > 0)
    expect(control.records.map((record) => record.requestId)).toEqual(idsOf(0, 3))
    expect(control.dropped).toBe(2)
    expect(await readdir(folder)).toEqual(['notes.txt'])
  })
})

describe('the disk says no', () => {
  const unreachable = () => Promise.resolve('unreachable' as const)

  test('the quota is used up: the newest are dropped, counted, and told when control is back', async () => {
    const control = await startControl()
    let isBack = false
    const { post } = batchPoster(control.url, 'key')
    const spill = spillOf({ maxBytes: 30_000 })
    const sender = senderTo((batch) => (isBack ? post(batch) : unreachable()), { spill })
    for (let index = 0; index < 400; index += 20) {
      send(sender, index, index + 20)
      await systemClock.sleep(15)
    }
    await until(() => sender.state.dropped > 0 && sender.state.queued === 0)
    expect(spill.bytes).toBeLessThanOrEqual(30_000)
    isBack = true
    await until(() => control.records.length + control.dropped === 400)
    expect(control.dropped).toBe(sender.state.dropped)
    expect(control.records.map((record) => record.requestId)).toEqual(idsOf(0, control.records.length))
  })

  test('the disk is full (/dev/full): nothing hangs, everything is counted', async () => {
    for (let number = 1; number < 50; number++)
      await symlink('/dev/full', join(folder, `${String(number).padStart(8, '0')}.ndjson`))
    const spill = new FullSpill({ folder, maxBytes: 1e6, segmentBytes: 1000 })
    expect(await spill.append(Buffer.from('{"a":1}\n'))).toBe(false)
    expect(spill.isEmpty).toBe(true)
    const sender = senderTo(unreachable, { spill })
    send(sender, 0, 25)
    await until(() => sender.state.dropped === 25)
    await sender.stop()
  })

  test('the folder cannot be made: nothing hangs, everything is counted', async () => {
    await writeFile(join(folder, 'file'), '')
    const spill = new Spill({ folder: join(folder, 'file', 'spill'), maxBytes: 1e6, segmentBytes: 1000 })
    const sender = senderTo(unreachable, { spill })
    send(sender, 0, 25)
    await until(() => sender.state.dropped === 25)
    await sender.stop()
  })
})

/** Finds nothing at start, so that its segments are the links to the full device. */
class FullSpill extends Spill {
  override async open(): Promise<void> {
    await Promise.resolve()
  }
}
