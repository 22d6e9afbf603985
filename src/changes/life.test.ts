import { afterEach, expect, test } from 'vitest'
import { createChanges, verifyBundle } from './index.ts'
import { fakeJudge, GOOD } from './testing/fake-lab.ts'
import { by, drive, MODEL, openWorld, proposalOf, type World } from './testing/world.ts'

const worlds: World[] = []
const open = async (...scripts: Parameters<typeof openWorld>) => {
  const world = await openWorld(...scripts)
  worlds.push(world)
  return { ...world, changes: createChanges(world.parts) }
}
afterEach(async () => {
  for (const { store } of worlds.splice(0)) await store.close()
})

async function typesOf({ store }: Pick<World, 'store'>, id: string): Promise<string[]> {
  return (await store.changes.events(id)).map(({ type, data }) =>
    typeof data.check === 'string' ? `${type} ${data.check}` : type,
  )
}

test('a good change goes live by itself, and its bundle verifies', async () => {
  const world = await open()
  const { changes, store } = world
  const { id } = await changes.propose(proposalOf(), by('ada'))
  await changes.start(id, by('ada'))
  await drive(world, world.parts, id)
  const change = await store.changes.get(id)
  expect(change.state).toBe('done')
  expect(change.verdict?.sentence).toBe(
    'ADOPT: more accurate by 14.0 points; nothing else got worse (security not measured).',
  )
  expect((await store.traffic.get(MODEL))?.shares.v2).toBe(100)
  expect(await typesOf(world, id)).toEqual([
    'change-proposed',
    'checking-started',
    ...['compatibility', 'accuracy', 'stability', 'latency', 'cost'].flatMap((check) => [
      `check-started ${check}`,
      `holdout-read ${check}`,
      `check-finished ${check}`,
      'gate-decided',
    ]),
    'verdict-reached',
    'gate-decided',
    'staging-started',
    'staging-finished',
    'gate-decided',
    'gate-decided',
    'canary-started',
    'step-promoted',
    'step-promoted',
    'step-promoted',
    'gate-decided',
    'canary-finished',
    'champion-replaced',
    'change-closed',
  ])
  expect(verifyBundle(await changes.bundle(id), fakeJudge)).toEqual({ ok: true, problems: [], open: [] })
  expect(world.probed).toEqual(['v2', 'v2', 'v2'])
})

test('a candidate that is worse is rejected in words and numbers, and stopped; nothing after it is measured', async () => {
  const world = await open({ lab: { gains: { ...GOOD.gains, accuracy: [-0.03, -0.021, -0.012] } } })
  const { changes, store } = world
  const { id } = await changes.propose(proposalOf(), by('ada'))
  await changes.start(id, by('ada'))
  await drive(world, world.parts, id)
  const change = await store.changes.get(id)
  expect(change).toMatchObject({ state: 'blocked', verdict: { recommendation: 'reject' } })
  expect(change.reason).toBe('REJECT: 2.1 points less accurate [−3.0, −1.2] on 3 blocks.')
  expect(world.lab.runs).toEqual(['compatibility', 'accuracy'])
  expect((await store.deployments.find(MODEL, 'v2'))?.status).toBe('stopped')
  expect((await store.traffic.get(MODEL))?.shares).toEqual({ v1: 100 })
  await expect(changes.start(id, by('ada'))).rejects.toMatchObject({ code: 'change_conflict' })
})

test('a gain that is not shown holds the change and says what it needs; asking again is refused', async () => {
  const world = await open({ lab: { gains: { ...GOOD.gains, accuracy: [-0.03, 0.02, 0.04] } } })
  const { changes, store } = world
  const { id } = await changes.propose(proposalOf(), by('ada'))
  await changes.start(id, by('ada'))
  await drive(world, world.parts, id)
  expect(await store.changes.get(id)).toMatchObject({
    state: 'inconclusive',
    reason:
      'HOLD: accuracy: +1.0 pp [−2.5, +4.5] on 3 blocks does not settle it, the margin is 1 pp; needs about 40 more blocks.',
  })
  // The rest was measured too, so that one answer tells all that is missing.
  expect(world.lab.runs).toEqual(['compatibility', 'accuracy', 'stability', 'latency', 'cost'])
  await expect(changes.start(id, by('ada'))).rejects.toThrow(
    /the accuracy check ran as planned and left it open/,
  )
})

test('what was measured badly is measured again with another seed, and nothing else is', async () => {
  const world = await open({ lab: { ...GOOD, invalid: { latency: 1 } } })
  const { changes, store } = world
  const { id } = await changes.propose(proposalOf(), by('ada'))
  await changes.start(id, by('ada'))
  await drive(world, world.parts, id)
  expect(await store.changes.get(id)).toMatchObject({
    state: 'inconclusive',
    reason: 'HOLD: latency could not be measured: the load client fell behind.',
  })
  await changes.start(id, by('ada'))
  await drive(world, world.parts, id)
  expect((await store.changes.get(id)).state).toBe('done')
  expect(world.lab.runs).toEqual(['compatibility', 'accuracy', 'stability', 'latency', 'cost', 'latency'])
  const seeds = (await store.evidence.list(id))
    .filter(({ check }) => check === 'latency')
    .map(({ plan }) => plan.seed)
  expect(new Set(seeds).size).toBe(2)
  expect(verifyBundle(await changes.bundle(id), fakeJudge)).toEqual({ ok: true, problems: [], open: [] })
})

test('a check that breaks off is tried again; one that keeps breaking leaves the change open', async () => {
  const world = await open({ lab: { ...GOOD, breaks: { cost: 2 } } })
  const first = await world.changes.propose(proposalOf(), by('ada'))
  await world.changes.start(first.id, by('ada'))
  await drive(world, world.parts, first.id)
  expect((await world.store.changes.get(first.id)).state).toBe('done')
  const broken = await open({ lab: { ...GOOD, breaks: { cost: 3 } } })
  const second = await broken.changes.propose(proposalOf(), by('ada'))
  await broken.changes.start(second.id, by('ada'))
  await drive(broken, broken.parts, second.id)
  expect(await broken.store.changes.get(second.id)).toMatchObject({
    state: 'inconclusive',
    reason: 'The check cost could not be run: the gateway went away',
  })
})

test('a candidate that does not start blocks the change with its own reason', async () => {
  const world = await open({ fleet: { neverReady: 'v2' } })
  const { id } = await world.changes.propose(proposalOf(), by('ada'))
  await world.changes.start(id, by('ada'))
  await drive(world, world.parts, id)
  expect(await world.store.changes.get(id)).toMatchObject({
    state: 'blocked',
    reason: 'v2 does not start: opset 99 is not supported',
  })
})

test('a plan that may not decide says so in the log before anything is spent, and is not refused', async () => {
  const doubt = '3 items are too few to show 1 pp if 10 % are answered differently'
  const world = await open({ lab: { ...GOOD, impossible: { accuracy: doubt } } })
  const { id } = await world.changes.propose(proposalOf(), by('ada'))
  expect((await world.changes.plan(proposalOf({ label: 'v3' }))).impossible).toEqual([`accuracy: ${doubt}`])
  await world.changes.start(id, by('ada'))
  expect(world.lab.runs).toEqual([])
  expect((await world.store.changes.events(id)).at(-1)?.data.doubts).toEqual([`accuracy: ${doubt}`])
  await drive(world, world.parts, id)
  expect((await world.store.changes.get(id)).state).toBe('done')
})

test('the judge goes back: an incident is opened with what was done, the failed requests become its cases', async () => {
  const world = await open({ fleet: { abortAtStep: 1, reason: 'errors: 4.1 % against 0.2 %' } })
  const { changes, store, clock } = world
  const { id } = await changes.propose(proposalOf(), by('ada'))
  const failed = (request: string, version: string) => ({
    id: `f-${request}`,
    requestId: request,
    model: MODEL,
    version,
    at: clock.nowMs() + 60_000,
    code: 'model_failed',
    label: 'negative' as const,
    input: '{}',
    changeId: null,
    incidentId: null,
  })
  await store.failureCases.put([failed('r1', 'v2'), failed('r2', 'v2'), failed('r3', 'v1')])
  await changes.start(id, by('ada'))
  await drive(world, world.parts, id)
  const change = await store.changes.get(id)
  expect(change).toMatchObject({ state: 'rolled-back', reason: 'errors: 4.1 % against 0.2 %' })
  expect((await store.traffic.get(MODEL))?.shares.v1).toBe(100)
  const cases = await store.failureCases.list({ model: MODEL, change: id }, { limit: 10 })
  expect(cases.items.map((item) => [item.requestId, item.incidentId])).toEqual([
    ['r2', `i-${id.slice(2)}`],
    ['r1', `i-${id.slice(2)}`],
  ])
  const [incident] = (await store.incidents.list({ model: MODEL }, { limit: 10 })).items
  expect(incident?.title).toBe('spam_filter v2 was rolled back: errors: 4.1 % against 0.2 %')
  expect(incident?.actions.map(({ what }) => what)).toEqual([
    'All traffic went back to v1 (judge).',
    'The last request on the candidate was answered 420 ms after the decision.',
    '2 failed requests were kept as negative cases.',
  ])
  const types = await typesOf(world, id)
  expect(types.slice(-4)).toEqual(['gate-decided', 'traffic-rolled-back', 'incident-opened', 'change-closed'])
  expect(verifyBundle(await changes.bundle(id), fakeJudge)).toEqual({ ok: true, problems: [], open: [] })
})

test('the judge may still go back while the old version is kept', async () => {
  const world = await open({ fleet: { abortWhenLive: true } })
  const { id } = await world.changes.propose(proposalOf(), by('ada'))
  await world.changes.start(id, by('ada'))
  await drive(world, world.parts, id)
  expect((await world.store.changes.get(id)).state).toBe('rolled-back')
  expect(await typesOf(world, id)).toContain('canary-finished')
  expect(verifyBundle(await world.changes.bundle(id), fakeJudge)).toEqual({
    ok: true,
    problems: [],
    open: [],
  })
})

test('two people who are not the author sign the same evidence before traffic moves', async () => {
  const world = await open()
  const { changes, store, clock } = world
  const { id } = await changes.propose(proposalOf({ risk: 'new-provider' }), by('ada'))
  await changes.start(id, by('ada'))
  await drive(world, world.parts, id)
  const { state, verdict } = await store.changes.get(id)
  expect(state).toBe('sign-off')
  const evidenceHash = verdict?.evidenceHash as string
  await expect(changes.approve(id, { evidenceHash, note: '' }, by('ada'))).rejects.toMatchObject({
    code: 'sign_off_refused',
  })
  await expect(
    changes.approve(id, { evidenceHash: `sha256:${'0'.repeat(64)}`, note: '' }, by('bo')),
  ).rejects.toMatchObject({ code: 'etag_mismatch' })
  await changes.approve(id, { evidenceHash, note: 'read the flips' }, by('bo'))
  await changes.approve(id, { evidenceHash, note: 'again' }, by('bo'))
  await drive(world, world.parts, id)
  expect((await store.changes.get(id)).state).toBe('sign-off')
  clock.add(15 * 86_400_000)
  await changes.approve(id, { evidenceHash, note: '' }, by('cy'))
  await drive(world, world.parts, id)
  expect((await store.changes.get(id)).state, 'the first sign-off has expired').toBe('sign-off')
  await changes.approve(id, { evidenceHash, note: 'once more' }, by('bo'))
  await drive(world, world.parts, id)
  expect((await store.changes.get(id)).state).toBe('done')
  expect((await store.signOffs.list(id)).length).toBe(2)
  expect(verifyBundle(await changes.bundle(id), fakeJudge)).toEqual({ ok: true, problems: [], open: [] })
})

test('one rollout at a time: the second waits, then learns that its champion is gone', async () => {
  const world = await open()
  const { changes, store, parts } = world
  const first = await changes.propose(proposalOf({ risk: 'new-provider' }), by('ada'))
  const second = await changes.propose(proposalOf({ label: 'v3', seed: 3 }), by('ada'))
  await changes.start(first.id, by('ada'))
  await drive(world, parts, first.id)
  const evidenceHash = (await store.changes.get(first.id)).verdict?.evidenceHash as string
  for (const name of ['bo', 'cy']) await changes.approve(first.id, { evidenceHash, note: '' }, by(name))
  await parts.fleet.rollouts.start({
    model: MODEL,
    champion: 'v1',
    candidate: 'v2',
    plan: first.proposal.rollout,
    changeId: first.id,
  })
  await changes.start(second.id, by('ada'))
  const stuck = { ...world, fleet: { ...world.fleet, tick: async () => undefined } }
  expect(await drive(stuck, parts, second.id)).toEqual({
    kind: 'wait',
    why: `${first.id} is rolled out first`,
  })
  await drive(world, parts, first.id)
  await drive(world, parts, second.id)
  expect((await store.changes.get(first.id)).state).toBe('done')
  expect(await store.changes.get(second.id)).toMatchObject({
    state: 'blocked',
    reason: 'v2 took the place of v1, with which the evidence compares; propose the change again',
  })
})

test.each([
  ['no such model', { model: 'nobody' }, 'unknown_model', undefined],
  ['no such data', { data: { golden: 'nothing', holdout: true } }, 'dataset_missing', undefined],
  ['no such version', { from: 'v9' }, 'unknown_version', undefined],
  [
    'an artifact nobody stored',
    {
      to: { label: 'v2', engine: 'onnx', artifact: { digest: `sha256:${'1'.repeat(64)}`, name: 'a.onnx' } },
      risk: 'new-architecture',
    },
    'artifact_missing',
    '/to/artifact',
  ],
  ['the champion itself', { to: { label: 'v2' } }, 'invalid_request', '/to'],
  ['steps that end early', { rollout: { steps: [1, 50] } }, 'invalid_request', '/rollout/steps/1'],
  ['a goal nothing measures', { goal: 'security' }, 'invalid_request', '/goal'],
  [
    'another engine as a parameter',
    { to: { label: 'v2', engine: 'onnx' }, risk: 'parameter' },
    'invalid_request',
    '/risk',
  ],
])('a proposal with %s is refused, and nothing is stored', async (_, said, code, pointer) => {
  const { changes, store } = await open()
  const proposal = proposalOf(said as Parameters<typeof proposalOf>[0])
  await expect(changes.propose(proposal, by('ada'))).rejects.toMatchObject({ code, pointer })
  expect((await store.changes.list({}, { limit: 10 })).items).toEqual([])
  expect((await store.versions.list(MODEL, { limit: 10 })).items.map(({ label }) => label)).toEqual(['v1'])
})

test('a plan stores nothing and says what would be run', async () => {
  const { changes, store } = await open()
  const { plans, impossible } = await changes.plan(proposalOf())
  expect(plans.map(({ check, says }) => [check, says.length])).toEqual(
    ['compatibility', 'accuracy', 'stability', 'latency', 'cost'].map((check) => [check, 1]),
  )
  expect(impossible).toEqual([])
  expect((await store.versions.list(MODEL, { limit: 10 })).items.length).toBe(1)
})

test('the report tells the verdict, the table and the log, and people’s words cannot break it', async () => {
  const world = await open({ fleet: { abortAtStep: 1, reason: 'errors | are worse' } })
  const { id } = await world.changes.propose(
    proposalOf({ hypothesis: 'It <b>is</b> | better\n# really' }),
    by('ada'),
  )
  await world.changes.start(id, by('ada'))
  await drive(world, world.parts, id)
  const report = await world.changes.report(id)
  expect(report).toContain(`# ${id}: spam_filter v1 → v2`)
  expect(report).toContain('**ADOPT: more accurate by 14.0 points')
  expect(report).toContain(
    '| accuracy | accuracy measure | +14.0 pp [13.0, 15.0] | 1 pp | superior | 3 blocks |',
  )
  expect(report).toContain('| security | – | not measured | – | inconclusive | – |')
  expect(report).toContain('errors \\| are worse')
  expect(report).not.toContain('<b>')
})
