import { afterEach, describe, expect, test } from 'vitest'
import type { ChangeEventType } from '../contracts/index.ts'
import { createChanges, verifyBundle } from './index.ts'
import { fakeJudge, GOOD } from './testing/fake-lab.ts'
import { by, drive, MODEL, openWorld, proposalOf } from './testing/world.ts'

/** What a change goes on by beside its evidence: waivers, permission to move traffic, data that was used before. */
const DAY_MS = 86_400_000
const ada = by('ada')
const bo = by('bo', { scopes: ['approve'] })
const checker = by('kim', { scopes: ['check'] })
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function open(scripts: Parameters<typeof openWorld>[0] = {}, policy = {}) {
  const world = await openWorld(scripts)
  closers.push(() => world.store.close())
  const parts = { ...world.parts, policy: { ...world.parts.policy, ...policy } }
  const changes = createChanges(parts)
  const go = async (id: string) => drive(world, parts, id)
  const run = async (starter = ada, said: Parameters<typeof proposalOf>[0] = {}) => {
    const { id } = await changes.propose(proposalOf(said), ada)
    await changes.start(id, starter)
    await go(id)
    return id
  }
  const lastOf = async (id: string, type: ChangeEventType) =>
    (await world.store.changes.events(id)).findLast((event) => event.type === type)
  const stateOf = async (id: string) => (await world.store.changes.get(id)).state
  return { ...world, changes, parts, go, run, lastOf, stateOf }
}
type Opened = Awaited<ReturnType<typeof open>>
const verified = async ({ changes }: Opened, id: string) => verifyBundle(await changes.bundle(id), fakeJudge)

const UNDECIDED = { lab: { gains: { ...GOOD.gains, accuracy: [-0.03, 0.02, 0.04] } } }
const WORSE = { lab: { gains: { ...GOOD.gains, accuracy: [-0.03, -0.021, -0.012] } } }
const waiverFor = ({ clock }: Opened, days: number) => ({
  until: clock.nowMs() + days * DAY_MS,
  why: 'known',
})

describe('a waiver', () => {
  test.each([
    ['inconclusive', UNDECIDED, ['accuracy']],
    ['blocked', WORSE, ['accuracy', 'stability', 'latency', 'cost']],
  ])(
    'lets what is %s go live, and stands in the log, the report and the bundle',
    async (from, scripts, checks) => {
      const world = await open(scripts)
      const id = await world.run()
      expect(await world.stateOf(id)).toBe(from)
      const waiver = waiverFor(world, 3)
      const waived = await world.changes.waive(id, { ...waiver, why: 'the | page is rebuilt' }, bo)
      expect(waived).toMatchObject({ state: 'waived', reason: expect.stringMatching(/^waived by bo until /) })
      expect(await world.lastOf(id, 'change-waived')).toMatchObject({
        actor: 'bo',
        data: { key: 'key-bo', from, checks, until: waiver.until },
      })
      await world.go(id)
      expect(await world.stateOf(id)).toBe('done')
      expect(await world.changes.report(id)).toMatch(
        /## Waivers\n\n- bo \(key `key-bo`\) until .*the \\\| page is rebuilt/,
      )
      expect(await verified(world, id)).toEqual({ ok: true, problems: [], open: [] })
    },
  )

  test.each<[string, (world: Opened, id: string) => Promise<unknown>, Record<string, unknown>]>([
    [
      'longer than 30 days',
      (world, id) => world.changes.waive(id, waiverFor(world, 30.1), bo),
      { code: 'invalid_request', pointer: '/until' },
    ],
    [
      'over before it begins',
      (world, id) => world.changes.waive(id, waiverFor(world, 0), bo),
      { code: 'invalid_request', pointer: '/until' },
    ],
    [
      'of the author',
      (world, id) => world.changes.waive(id, waiverFor(world, 1), by('ada')),
      { code: 'waiver_refused' },
    ],
    [
      'of the author under another name',
      (world, id) => world.changes.waive(id, waiverFor(world, 1), by('eve', { publicId: 'key-ada' })),
      { code: 'waiver_refused' },
    ],
  ])('%s is refused, and nothing is written', async (_, ask, refusal) => {
    const world = await open(UNDECIDED)
    const id = await world.run()
    await expect(ask(world, id)).rejects.toMatchObject(refusal)
    expect(await world.stateOf(id)).toBe('inconclusive')
  })

  test.each<[string, (data: Record<string, unknown>, at: number) => void, RegExp]>([
    ['is made longer', (data, at) => (data.until = at + 31 * DAY_MS), /longer than a waiver may be/],
    ['ended before traffic moved', (data, at) => (data.until = at - 1), /longer than|had ended/],
    ['is the author’s own', (data) => (data.key = 'key-ada'), /is the author's own/],
    ['lifts something else', (data) => (data.from = 'blocked'), /lifts something else/],
    ['was for another reason', (data) => (data.was = 'nothing much'), /lifts something else/],
    ['names fewer checks', (data) => (data.checks = []), /names other checks/],
    ['is told otherwise', (data) => (data.why = 'all is well'), /is told otherwise/],
  ])('that %s afterwards is found', async (_, alter, problem) => {
    const world = await open(UNDECIDED)
    const id = await world.run()
    await world.changes.waive(id, waiverFor(world, 3), bo)
    await world.go(id)
    const bundle = await world.changes.bundle(id)
    const event = bundle.events.find(({ type }) => type === 'change-waived')!
    alter(event.data, event.at)
    expect(verifyBundle(bundle, fakeJudge).problems.join('\n')).toMatch(problem)
  })

  test('is for what is blocked or inconclusive and has a verdict, not for anything else', async () => {
    const good = await open()
    const { id } = await good.changes.propose(proposalOf(), ada)
    await expect(good.changes.waive(id, waiverFor(good, 1), bo)).rejects.toMatchObject({
      code: 'change_conflict',
    })
    const unready = await open({ fleet: { neverReady: 'v2' } })
    const blocked = await unready.run()
    expect(await unready.stateOf(blocked)).toBe('blocked')
    await expect(unready.changes.waive(blocked, waiverFor(unready, 1), bo)).rejects.toThrow(/no verdict/)
  })

  test('that ends before the sign-offs are given lets the change fall to where it stood', async () => {
    const world = await open(UNDECIDED)
    const id = await world.run(ada, { risk: 'new-provider' })
    const was = (await world.store.changes.get(id)).reason
    await world.changes.waive(id, waiverFor(world, 2), bo)
    expect(await world.go(id)).toMatchObject({ kind: 'wait', untilMs: expect.any(Number) })
    expect(await world.stateOf(id)).toBe('sign-off')
    world.clock.add(2 * DAY_MS)
    await world.go(id)
    expect(await world.store.changes.get(id)).toMatchObject({
      state: 'inconclusive',
      reason: expect.stringMatching(/^the waiver by bo ended .*; before it: HOLD: accuracy/),
    })
    expect((await world.store.changes.get(id)).reason).toContain(was)
    expect((await world.store.deployments.find(MODEL, 'v2'))?.status).toBe('stopped')
    expect((await verified(world, id)).problems).toEqual([])
    await world.changes.waive(id, waiverFor(world, 2), bo)
    await world.go(id)
    expect(await world.stateOf(id), 'waived once more, staged once more').toBe('sign-off')
  })

  test('that ends while traffic moves takes it back', async () => {
    const world = await open(UNDECIDED)
    const id = await world.run()
    await world.changes.waive(id, { ...waiverFor(world, 0), until: world.clock.nowMs() + 3_000 }, bo)
    const stuck = { ...world, fleet: { ...world.fleet, tick: async () => undefined } }
    const stop = drive(stuck, world.parts, id)
    await stop
    await world.go(id)
    expect(await world.store.changes.get(id)).toMatchObject({
      state: 'rolled-back',
      reason: expect.stringMatching(/^the waiver by bo ended .* before the change was live$/),
    })
    expect((await world.store.traffic.get(MODEL))?.shares.v1).toBe(100)
    expect((await verified(world, id)).problems).toEqual([])
  })

  test('does not speak for staging: what answers wrongly is blocked again', async () => {
    const world = await open(UNDECIDED)
    const id = await world.run()
    const parts = { ...world.parts, probe: async () => 'status 500' }
    await world.changes.waive(id, waiverFor(world, 1), bo)
    await drive(world, parts, id)
    expect(await world.store.changes.get(id)).toMatchObject({ state: 'blocked', reason: /^staging: item m1/ })
  })
})

test('a waiver of what staging found stages anew', async () => {
  const world = await open()
  const { id } = await world.changes.propose(proposalOf(), ada)
  await world.changes.start(id, ada)
  await drive(world, { ...world.parts, probe: async () => 'status 500' }, id)
  expect(await world.store.changes.get(id)).toMatchObject({ state: 'blocked', reason: /^staging: / })
  await world.changes.waive(id, waiverFor(world, 1), bo)
  await world.go(id)
  expect(await world.stateOf(id)).toBe('done')
  expect((await verified(world, id)).problems).toEqual([])
})

describe('a key that may check and not deploy', () => {
  test('carries a change to its verdict; one that may deploy carries it on', async () => {
    const world = await open()
    const id = await world.run(checker)
    const wanted = `needs a key with deploy to start the canary: slipway change start ${id}`
    expect(await world.store.changes.get(id)).toMatchObject({ state: 'verdict', reason: wanted })
    expect(await world.store.rollouts.listOpen()).toEqual([])
    await world.changes.start(id, checker)
    await world.go(id)
    expect(await world.stateOf(id), 'asked again with the same key').toBe('verdict')
    await world.changes.start(id, by('lee', { scopes: ['deploy'] }))
    expect((await world.store.changes.get(id)).reason).toBeNull()
    await world.go(id)
    expect(await world.stateOf(id)).toBe('done')
    expect(await world.lastOf(id, 'deploy-allowed')).toMatchObject({ actor: 'lee', data: { key: 'key-lee' } })
    expect(await verified(world, id)).toEqual({ ok: true, problems: [], open: [] })
  })

  test('resume lets it go on as well, and allowing while the checks run leaves no pause', async () => {
    const world = await open()
    const id = await world.run(checker)
    await world.changes.resume(id, by('lee', { scopes: ['deploy'] }))
    await world.go(id)
    expect(await world.stateOf(id)).toBe('done')
    const early = await open()
    const { id: second } = await early.changes.propose(proposalOf(), ada)
    await early.changes.start(second, checker)
    await early.changes.start(second, ada)
    await early.go(second)
    expect(await early.stateOf(second)).toBe('done')
    expect(await early.lastOf(second, 'deploy-requested')).toBeUndefined()
  })

  test('a waiver is no permission to move traffic', async () => {
    const world = await open(UNDECIDED)
    const id = await world.run(checker)
    await world.changes.waive(id, waiverFor(world, 1), bo)
    await world.go(id)
    expect(await world.store.changes.get(id)).toMatchObject({
      state: 'waived',
      reason: /needs a key with deploy/,
    })
    await world.changes.start(id, ada)
    expect((await world.store.changes.get(id)).reason).toMatch(/^waived by bo/)
    await world.go(id)
    expect(await world.stateOf(id)).toBe('done')
  })
})

describe('held-out data', () => {
  test('each read is in the audit log first, and its count in the log and the report of the change', async () => {
    const world = await open()
    const id = await world.run()
    const { digest } = await world.store.datasets.get('late')
    const { items } = await world.store.audit.list({ limit: 100 })
    expect(items.map(({ action, target, detail }) => [action, target, detail.check]).reverse()).toEqual(
      ['compatibility', 'accuracy', 'stability', 'latency', 'cost'].map((check) => [
        'read holdout',
        digest,
        check,
      ]),
    )
    expect(items[0]).toMatchObject({ actor: 'ada', detail: { change: id, key: 'key-ada', model: MODEL } })
    expect(await world.lastOf(id, 'holdout-read')).toMatchObject({
      data: { check: 'cost', reads: 5, judged: 1, warnAbove: 20, digest, audit: items[0]?.hash },
    })
    const report = await world.changes.report(id)
    expect(report).toContain('holdout read 5 times, 1 candidate judged by it')
    expect(report).toMatch(/\*\*accuracy\*\* pass: .*; holdout read 2 times, 1 candidate judged by it/)
    expect(report).not.toContain('refresh')
  })

  test('the count goes on over changes of the model, warns above the policy’s number, and is in no evidence', async () => {
    const world = await open({}, { holdout: { warnAbove: 1 } })
    const first = await world.run()
    const second = await world.run(ada, { label: 'v3', seed: 3 })
    expect((await world.lastOf(second, 'holdout-read'))?.data).toMatchObject({ reads: 10, judged: 2 })
    expect(await world.changes.report(first)).not.toContain('refresh the held-out data')
    expect(await world.changes.report(second)).toContain('late has judged 2 candidates, more than 1')
    for (const id of [first, second]) {
      expect(JSON.stringify(await world.store.evidence.list(id))).not.toContain('judged')
      expect((await verified(world, id)).problems).toEqual([])
    }
  })

  test('only candidates whose answers met the labels count as judged', async () => {
    const world = await open({ lab: { gains: { ...GOOD.gains, compatibility: [-1] } } })
    const id = await world.run()
    expect(await world.stateOf(id)).toBe('blocked')
    expect((await world.lastOf(id, 'holdout-read'))?.data).toMatchObject({ reads: 1, judged: 0 })
  })

  test('a check that breaks off and goes on is one read; data that is not held out is not counted', async () => {
    const world = await open({ lab: { ...GOOD, breaks: { cost: 2 } } })
    const id = await world.run()
    expect((await world.lastOf(id, 'holdout-read'))?.data.reads).toBe(5)
    const open2 = await open()
    const plain = await open2.run(ada, { data: { golden: 'late', holdout: false } })
    expect(await open2.stateOf(plain)).toBe('done')
    expect(await open2.lastOf(plain, 'holdout-read')).toBeUndefined()
    expect((await open2.store.audit.list({ limit: 10 })).items).toEqual([])
  })
})
