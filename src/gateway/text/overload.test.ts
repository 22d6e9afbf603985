import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { ladder, type PriorityClass, priorityClass, servingPolicy } from '../../contracts/index.ts'
import { fakeTextReplica } from '../testing/fake-text-replica.ts'
import { hello, type ScriptedCall, ScriptedUpstream, scriptedModel } from '../testing/scripted-upstream.ts'
import { setClock } from '../testing/set-clock.ts'
import { openTextWorld, surfaces } from '../testing/text-world.ts'
import { type Answer, until, type World } from '../testing/world.ts'
import { policyLadders } from './ladders.ts'

const [native] = surfaces as [(typeof surfaces)[number]]
const worlds: World[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

const SLOTS = 8
const STEP_MS = 100
/** Steps from the first token until the answer is whole. */
const WRITING = 10

/** A gateway before an upstream that takes eight at once; both go by a clock that a test sets forward step by step. */
class Rush {
  readonly clock = setClock()
  readonly acme = new ScriptedUpstream('acme')
  readonly answers: { class: PriorityClass; answer: Answer }[] = []
  world!: World
  slots = SLOTS
  sent = 0
  readonly #at: { call: ScriptedCall; left: number }[] = []

  async open(overload: Record<string, unknown> = {}): Promise<this> {
    this.acme.behave = (call) => void this.#at.push({ call, left: WRITING + 1 })
    const serving = servingPolicy.parse({ overload: { initialConcurrency: SLOTS, ...overload } })
    this.world = await openTextWorld({
      clock: this.clock,
      upstreams: [this.acme],
      models: [scriptedModel('chat', { v1: { provider: 'acme' } }, { serving })],
    })
    worlds.push(this.world)
    for (const key of this.world.keys) key.priority = 'interactive-paid'
    await this.world.swap()
    return this
  }

  send(priority: PriorityClass): void {
    this.sent++
    const asked = { ...native.send({ stream: true }), headers: { 'x-slipway-priority': priority } }
    void this.world.send(asked).then((answer) => this.answers.push({ class: priority, answer }))
  }

  /** Everybody is where they stay for this step: answered, at the upstream, or queued. */
  async quiet(): Promise<void> {
    await until(async () => {
      const queued = await this.gauge('queued')
      return this.sent === this.answers.length + this.#at.length + queued
    })
  }

  /** Those who have one of the slots write on; the rest wait, as they came. */
  async step(): Promise<void> {
    this.clock.skip(STEP_MS)
    for (const each of this.#at.slice(0, this.slots)) {
      each.left--
      if (each.left === WRITING) each.call.accept().text('Hello')
      if (each.left > 0) continue
      this.#at.splice(this.#at.indexOf(each), 1)
      each.call.end()
    }
    await this.quiet()
  }

  /** Over all classes. */
  async gauge(name: 'queued' | 'in_flight'): Promise<number> {
    const { body } = await this.world.send({ method: 'GET', path: '/metrics' })
    const lines = body.toString().split('\n')
    return lines
      .filter((line) => line.startsWith(`slipway_gateway_text_${name}{`))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  async gaugeOf(name: string, priority: PriorityClass): Promise<number> {
    const labels = `model="chat",version="v1",class="${priority}"`
    return (await this.world.metric(`slipway_gateway_text_${name}{${labels}}`)) ?? Number.NaN
  }

  limit(): Promise<number> {
    return this.gaugeOf('concurrency_limit', 'interactive-paid')
  }

  of(priority: PriorityClass): Answer[] {
    return this.answers.filter((each) => each.class === priority).map(({ answer }) => answer)
  }

  async drain(): Promise<void> {
    while (this.#at.length > 0) await this.step()
  }
}

describe('at three times what the upstream can do', () => {
  test('the first class is answered, the last is refused early with the time to come back, and after it all are answered', async () => {
    const rush = await new Rush().open()
    // The upstream answers eight in eleven steps; in as many, twenty-four come.
    const each11: Record<number, PriorityClass[]> = {
      0: ['interactive-paid', 'batch', 'batch'],
      2: ['interactive', 'batch', 'best-effort'],
      4: ['interactive-paid', 'best-effort', 'batch'],
      7: ['interactive', 'best-effort', 'batch'],
    }
    for (let step = 0; step < 165; step++) {
      for (const priority of each11[step % 11] ?? [])
        for (let twice = 0; twice < 2; twice++) rush.send(priority)
      await rush.quiet()
      await rush.step()
    }
    const during = await rush.limit()
    expect(during).toBeGreaterThanOrEqual(SLOTS)
    expect(during).toBeLessThanOrEqual(2.5 * SLOTS)
    await rush.drain()

    const share = (priority: PriorityClass) =>
      rush.of(priority).filter(({ status }) => status === 200).length / rush.of(priority).length
    expect(rush.of('interactive-paid')).toHaveLength(60)
    expect(share('interactive-paid')).toBe(1)
    expect(share('interactive')).toBeGreaterThan(0.5)
    expect(share('batch')).toBeLessThan(0.2)
    const refused = rush.of('batch').filter(({ status }) => status === 503)
    for (const { headers, json } of refused) {
      expect(json).toMatchObject({ code: 'overloaded' })
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1)
    }
    // Nobody who was refused cost the upstream anything.
    expect(rush.acme.calls).toHaveLength(rush.answers.filter(({ answer }) => answer.status === 200).length)
    const early = await rush.world.metric(
      'slipway_gateway_text_refused_total{model="chat",version="v1",class="batch",reason="predicted"}',
    )
    expect(early).toBeGreaterThan(0.7 * refused.length)

    rush.clock.skip(20_000)
    rush.answers.length = 0
    rush.sent = 0
    for (let count = 0; count < 8; count++) {
      for (const priority of priorityClass.options) rush.send(priority)
      await rush.quiet()
      for (let step = 0; step < 11; step++) await rush.step()
    }
    await rush.drain()
    expect(rush.answers.map(({ answer }) => answer.status)).toEqual(new Array(32).fill(200))
    expect([await rush.gauge('in_flight'), await rush.gauge('queued')]).toEqual([0, 0])
  }, 60_000)

  test('the limit sinks while the upstream turns requests away, and comes back with it', async () => {
    const rush = await new Rush().open({
      initialConcurrency: 16,
      classes: { 'interactive-paid': { maxQueued: 20 } },
    })
    const { acme } = rush
    const { behave } = acme
    acme.behave = (call) => call.fail('upstream_overloaded', { class: 'overloaded', status: 503 })
    for (let count = 0; count < 20; count++) {
      rush.send('interactive-paid')
      rush.clock.skip(STEP_MS)
      await until(() => rush.answers.length === rush.sent)
    }
    expect(await rush.limit()).toBe(1)
    acme.behave = behave
    for (let step = 0; step < 200; step++) {
      rush.send('interactive-paid')
      await rush.quiet()
      await rush.step()
    }
    expect(await rush.limit()).toBeGreaterThanOrEqual(SLOTS - 1)
    await rush.drain()
  }, 60_000)
})

describe('who waits for a place', () => {
  const full = { initialConcurrency: 1, maxConcurrency: 1 }

  test('and leaves, costs nothing', async () => {
    const rush = await new Rush().open(full)
    rush.send('interactive')
    await rush.quiet()
    const left = new AbortController()
    const waiting = rush.world
      .send({ ...native.send({ stream: true }), signal: left.signal })
      .catch(() => 'left')
    await until(async () => (await rush.gauge('queued')) === 1)
    left.abort()
    expect(await waiting).toBe('left')
    await until(async () => (await rush.gauge('queued')) === 0)
    await rush.drain()
    expect(rush.acme.calls).toHaveLength(1)
    expect(await rush.gauge('in_flight')).toBe(0)
  })

  test('is told when its time to wait is over, by the clock alone', async () => {
    const rush = await new Rush().open({ ...full, classes: { batch: { maxWaitMs: 20 } } })
    rush.send('interactive')
    await rush.quiet()
    rush.send('batch')
    await until(async () => (await rush.gauge('queued')) === 1)
    rush.clock.skip(20)
    await until(() => rush.answers.length === 1)
    expect(rush.of('batch')[0]).toMatchObject({ status: 503, json: { code: 'overloaded' } })
    expect(
      await rush.world.metric(
        'slipway_gateway_text_refused_total{model="chat",version="v1",class="batch",reason="waited"}',
      ),
    ).toBe(1)
    const records = await rush.world.records(1)
    expect(records[0]).toMatchObject({
      outcome: 'refused',
      text: { attempts: [{ code: 'overloaded', status: 0 }] },
    })
    await rush.drain()
  })

  test('goes by class, then by arrival', async () => {
    const rush = await new Rush().open(full)
    rush.send('batch')
    await rush.quiet()
    for (const priority of ['batch', 'best-effort', 'interactive-paid', 'interactive'] as const) {
      rush.send(priority)
      await rush.quiet()
    }
    await rush.drain()
    expect(rush.answers.map((each) => each.class)).toEqual([
      'batch',
      'interactive-paid',
      'interactive',
      'best-effort',
      'batch',
    ])
  })
})

test('classes that take less under load get a lighter rung where no place is free; the others are told', async () => {
  const [full, light] = [new ScriptedUpstream('full'), new ScriptedUpstream('light')]
  full.behave = () => undefined
  const noQueue = { maxQueued: 0 }
  const serving = servingPolicy.parse({
    ladder: ladder.parse({
      monthlyDegradedShare: 1,
      rungs: [
        // One failure that counted would set it aside for the rest of the test.
        { kind: 'primary', name: 'full', quality: 1, trigger: { minRequests: 1, holdMs: 600_000 } },
        { kind: 'version', name: 'light', quality: 0.9, model: 'light', version: 'v1' },
      ],
    }),
    overload: {
      initialConcurrency: 1,
      maxConcurrency: 1,
      classes: { 'interactive-paid': noQueue, interactive: noQueue, 'best-effort': noQueue, batch: noQueue },
    },
  })
  const world = await openTextWorld({
    upstreams: [full, light],
    models: [
      scriptedModel('chat', { v1: { provider: 'full' } }, { serving }),
      scriptedModel('light', { v1: { provider: 'light' } }),
    ],
    options: { ladders: policyLadders(() => false) },
  })
  worlds.push(world)
  const left = new AbortController()
  const held = world.send({ ...native.send({ stream: true }), signal: left.signal }).catch(() => 'left')
  await until(() => full.calls.length === 1)
  const best = await world.send({ ...native.send(), headers: { 'x-slipway-priority': 'best-effort' } })
  expect([best.status, best.headers['x-slipway-fallback']]).toEqual([200, 'light'])
  const other = await world.send({ ...native.send(), headers: { 'x-slipway-priority': 'interactive' } })
  expect([other.status, other.json.code]).toEqual([503, 'overloaded'])
  left.abort()
  expect(await held).toBe('left')
  // The rung was not at fault: who comes next is answered by it.
  full.behave = hello
  await until(async () => (await world.send(native.send())).headers['x-slipway-fallback'] === undefined)
})

test('replicas of ours tell by whole answers too what they take', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slw-overload-'))
  const replica = await fakeTextReplica(`unix:${join(folder, 'r.sock')}`, 'chat-0')
  const serving = servingPolicy.parse({ overload: { initialConcurrency: 2 } })
  const model = scriptedModel('chat', { v1: { provider: 'none' } }, { serving })
  const versions = model.versions.map((version) => ({
    ...version,
    replicas: [{ id: replica.id, address: replica.address, draining: false }],
    text: version.text === undefined ? undefined : { ...version.text, provider: undefined },
  }))
  const world = await openTextWorld({ upstreams: [], models: [{ ...model, versions }] })
  worlds.push(world)
  // Two at a time, each with 3 ms to its first token by its own clock.
  for (let count = 0; count < 4; count++) {
    replica.behave = () => undefined
    replica.asks.length = 0
    const both = [world.send(native.send()), world.send(native.send())]
    await until(() => replica.asks.length === 2)
    for (const asked of replica.asks) asked.hello()
    for (const { status } of await Promise.all(both)) expect(status).toBe(200)
  }
  const labels = 'model="chat",version="v1",class="interactive-paid"'
  expect(await world.metric(`slipway_gateway_text_concurrency_limit{${labels}}`)).toBe(4)
  await replica.kill()
  await rm(folder, { recursive: true, force: true })
})
