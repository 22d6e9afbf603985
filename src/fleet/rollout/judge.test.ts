import { describe, expect, test } from 'vitest'
import { createRolloutWorld, defaultPlan, type RolloutWorld } from '../testing/rollout-world.ts'

async function splitOf(world: RolloutWorld) {
  return (await world.store.traffic.get('spam'))?.shares
}

describe('a candidate that is no worse', () => {
  test('goes through all steps, and the champion is let go after the delay', async () => {
    const world = await createRolloutWorld()
    await world.start()
    expect(await world.until(['done'], 1_500)).toBeDefined()
    expect(world.store.splits.map((split) => split.shares)).toEqual([
      { v1: 100 },
      { v1: 99, v2: 1 },
      { v1: 95, v2: 5 },
      { v1: 75, v2: 25 },
      { v1: 50, v2: 50 },
      { v2: 100 },
    ])
    expect((await world.store.deployments.find('spam', 'v1'))?.status).toBe('draining')
    expect((await world.store.deployments.find('spam', 'v2'))?.status).toBe('active')
    const looks = await world.looks()
    expect(looks.filter((look) => look.decision === 'promote').map((look) => look.step)).toEqual([0, 1, 2, 3])
    for (const look of looks) if (look.decision === 'promote') expect(look.needsRequests).toBe(0)
  })

  test('is told beforehand how long a step takes, near enough', async () => {
    const world = await createRolloutWorld({ requestsPerSecond: 500, plan: { guards: ['errors'] } })
    await world.start()
    await world.until(['done'], 1_000)
    const looks = await world.looks()
    const promotions = looks.filter((look) => look.decision === 'promote')
    expect(promotions.length).toBe(4)
    for (const promotion of promotions) {
      const before = looks.filter((look) => look.step === promotion.step && look.decision === 'continue')
      const halfway = before[Math.floor(before.length / 2)]
      const leftMs = promotion.at - (halfway?.at ?? 0)
      expect(halfway?.needsMs).toBeGreaterThan(leftMs / 3)
      expect(halfway?.needsMs).toBeLessThan(leftMs * 3)
    }
  })

  test('gets the replicas for a share before it gets the share', async () => {
    const world = await createRolloutWorld({ requestsPerSecond: 1_000, plan: { guards: ['errors'] } })
    await world.store.deployments.setReplicas('spam', 'v1', 3)
    await world.start()
    const wanted = new Map<number, number>()
    for (let second = 0; second < 300; second++) {
      await world.seconds(1)
      const share = (await splitOf(world))?.v2 ?? 0
      wanted.set(share, (await world.store.deployments.find('spam', 'v2'))?.replicas ?? 0)
    }
    expect(Object.fromEntries(wanted)).toEqual({ 1: 1, 5: 1, 25: 1, 50: 2, 100: 3 })
    expect((await world.store.deployments.find('spam', 'v1'))?.replicas).toBe(3)
  })

  test('sees ten windows of each step before it leaves it', async () => {
    const world = await createRolloutWorld({ requestsPerSecond: 2_000, plan: { guards: ['errors'] } })
    await world.start()
    await world.until(['done'], 400)
    const promoted = (await world.looks()).filter((look) => look.decision === 'promote')
    const gaps = promoted.slice(1).map((look, index) => look.at - (promoted[index]?.at ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10_000)
  })

  test('is not aborted by bursts that hit both versions', async () => {
    const world = await createRolloutWorld({
      behaviour: (_version, second) => ({ errorRate: second % 45 < 3 ? 0.4 : 0.01 }),
    })
    await world.start()
    await world.seconds(600)
    const rollout = await world.rollout()
    expect(rollout.state).not.toBe('rolled-back')
    expect((await world.looks()).filter((look) => look.decision === 'abort')).toEqual([])
  })
})

describe('a candidate that is worse', () => {
  test('by three points of errors is aborted, at a share that hurts few', async () => {
    const world = await createRolloutWorld({
      behaviour: (version) => ({ errorRate: version === 'v2' ? 0.04 : 0.01 }),
    })
    await world.start()
    expect(await world.until(['rolled-back'], 2_000)).toBeDefined()
    const rollout = await world.rollout()
    expect(rollout.reason).toMatch(/errors rose by/)
    expect(await splitOf(world)).toEqual({ v1: 100 })
    expect(world.traffic.answered('v2')).toBeLessThan(3_000)
    expect((await world.store.deployments.find('spam', 'v2'))?.status).toBe('draining')
  })

  test('by being slower for a part of its requests is aborted by a latency guard', async () => {
    const world = await createRolloutWorld({
      plan: { guards: ['errors', 'latencyP95'] },
      behaviour: (version) =>
        version === 'v2' ? { errorRate: 0.01, slowShare: 0.5, slowFactor: 1.2 } : { errorRate: 0.01 },
    })
    await world.start()
    expect(await world.until(['rolled-back'], 3_000)).toBeDefined()
    expect((await world.rollout()).reason).toMatch(/latencyP95 rose by/)
  })

  test('by failing outright is stopped by the brake within seconds, outside the law', async () => {
    const world = await createRolloutWorld({
      plan: { steps: [50, 100] },
      behaviour: (version) => ({ errorRate: version === 'v2' ? 0.9 : 0.01 }),
    })
    await world.start()
    await world.seconds(6)
    const [decided] = (await world.looks()).filter((look) => look.decision === 'brake')
    expect(decided).toBeDefined()
    expect(await splitOf(world)).toEqual({ v1: 100 })
  })

  test('from the moment it has everything is taken back by one write', async () => {
    let isBad = false
    const world = await createRolloutWorld({
      requestsPerSecond: 500,
      plan: { scaleDownDelayMs: 120_000, guards: ['errors'] },
      behaviour: (version) => ({ errorRate: version === 'v2' && isBad ? 0.1 : 0.01 }),
    })
    await world.start()
    while ((await splitOf(world))?.v2 !== 100) await world.seconds(1)
    await world.seconds(20)
    isBad = true
    expect(await world.until(['aborting'], 30)).toBeDefined()
    expect(await splitOf(world)).toEqual({ v1: 100 })
    expect((await world.store.deployments.find('spam', 'v1'))?.status).toBe('active')
  })

  test('because it cannot be kept running is taken back without counting requests', async () => {
    const world = await createRolloutWorld({ requestsPerSecond: 1 })
    await world.start()
    await world.store.rollouts.update(world.id(), {
      guards: (await world.rollout()).guards.map((guard) => ({ ...guard, thresholdMs: 20 })),
    })
    await world.seconds(3)
    expect((await world.rollout()).state).toBe('progressing')
    await world.store.deployments.setStatus('spam', 'v2', 'failed', 'it ends at once')
    await world.seconds(1)
    expect((await world.rollout()).state).toBe('aborting')
    expect(await splitOf(world)).toEqual({ v1: 100 })
  })
})

describe('nothing to judge by', () => {
  test('waits, with the first split not written, until the champion’s latency is known', async () => {
    const world = await createRolloutWorld({ warmUpSeconds: 0, requestsPerSecond: 100 })
    expect((await world.start()).reason).toBe(
      'inconclusive: 300 more champion requests are needed to fix the latency thresholds',
    )
    expect(await splitOf(world)).toEqual({ v1: 100 })
    await world.seconds(10)
    expect((await world.rollout()).state).toBe('progressing')
    expect(
      (await world.rollout()).guards.find((guard) => guard.name === 'latencyP99')?.thresholdMs,
    ).toBeGreaterThan(10)
  })

  test('no traffic pauses the rollout and says what is missing; traffic continues it', async () => {
    const world = await createRolloutWorld()
    await world.start()
    await world.seconds(20)
    world.traffic.requestsPerSecond = 0
    await world.seconds(60)
    const paused = await world.rollout()
    expect([paused.state, paused.step]).toEqual(['paused', 0])
    expect(paused.reason).toMatch(/^inconclusive: no requests of both versions for \d+ s$/)
    const last = (await world.looks()).at(-1)
    expect(last?.decision).toBe('hold')
    expect(last?.needsRequests).toBeGreaterThan(100)
    world.traffic.requestsPerSecond = 200
    await world.seconds(10)
    expect((await world.rollout()).state).toBe('progressing')
    expect(await world.until(['done'], 1_500)).toBeDefined()
  })

  test('seconds that are not settled are not looked at: failures are told before slow answers', async () => {
    const world = await createRolloutWorld({ plan: { steps: [50, 100] } })
    await world.start()
    await world.seconds(20)
    const judged = (await world.looks()).filter((look) => look.windows > 0)
    expect(judged.length).toBeGreaterThan(10)
    for (const look of judged) expect(look.at - look.windowEndMs).toBeGreaterThanOrEqual(2_000)
  })

  test('telemetry that does not arrive is no success', async () => {
    const world = await createRolloutWorld()
    await world.start()
    await world.seconds(5)
    world.traffic.isTelling = false
    await world.seconds(1_000)
    expect((await world.rollout()).step).toBe(0)
    expect((await world.rollout()).state).toBe('paused')
  })

  test('a promotion that nobody could watch does not let the champion go', async () => {
    const world = await createRolloutWorld({ requestsPerSecond: 1_000, plan: { guards: ['errors'] } })
    await world.start()
    while ((await splitOf(world))?.v2 !== 100) await world.seconds(1)
    world.traffic.isTelling = false
    await world.seconds(120)
    expect(await world.rollout()).toMatchObject({
      state: 'promoting',
      reason: 'inconclusive: no request was seen at full traffic; the champion is kept',
    })
    world.traffic.isTelling = true
    expect(await world.until(['done'], 20)).toBeDefined()
  })

  test('a quiet step costs few stored looks', async () => {
    const world = await createRolloutWorld({ requestsPerSecond: 20 })
    await world.start()
    await world.seconds(3_000)
    expect((await world.looks()).length).toBeLessThan(1_300)
  })
})

describe('the forecast', () => {
  test('says for each step and guard how long it takes and what it can see, at the present traffic', async () => {
    const world = await createRolloutWorld({ requestsPerSecond: 100 })
    const { forecast } = await world.start()
    expect(forecast.map((each) => [each.sharePercent, each.guard])).toEqual(
      [1, 5, 25, 50].flatMap((share) => defaultPlan.guards.map((guard) => [share, guard])),
    )
    const errors = forecast.filter((each) => each.guard === 'errors')
    const times = errors.map((each) => each.promoteMs ?? Number.NaN)
    expect(times).toEqual(times.toSorted((left, right) => right - left))
    const rises = errors.slice(1).map((each) => each.detectableRise ?? Number.NaN)
    expect(rises).toEqual(rises.toSorted((left, right) => right - left))
    expect(errors[0]?.baseRate).toBeCloseTo(0.01, 2)
    expect(errors[0]?.requestsPerSecond).toBe(100)
  })

  test('promises nothing without traffic', async () => {
    const world = await createRolloutWorld({ requestsPerSecond: 0 })
    const forecast = await world.judge.forecast({
      model: 'spam',
      champion: 'v1',
      candidate: 'v2',
      plan: defaultPlan,
    })
    for (const each of forecast) expect(each).toMatchObject({ promoteMs: null, detectableRise: null })
  })
})

describe('people', () => {
  test('a pause holds promotion, and resuming goes on', async () => {
    const world = await createRolloutWorld({ requestsPerSecond: 1_000, plan: { guards: ['errors'] } })
    await world.start()
    await world.seconds(5)
    await world.judge.pause(world.id(), 'lunch')
    await world.seconds(120)
    expect(await world.rollout()).toMatchObject({ state: 'paused', step: 0, reason: 'manual: lunch' })
    await world.judge.resume(world.id())
    expect(await world.until(['done'], 600)).toBeDefined()
  })

  test('a pause does not hold the brake', async () => {
    let isBad = false
    const world = await createRolloutWorld({
      plan: { steps: [50, 100] },
      behaviour: (version) => ({ errorRate: version === 'v2' && isBad ? 0.9 : 0.01 }),
    })
    await world.start()
    await world.seconds(3)
    await world.judge.pause(world.id(), 'lunch')
    isBad = true
    await world.seconds(7)
    expect(await splitOf(world)).toEqual({ v1: 100 })
  })

  test('a split set by hand pauses the rollout, which does not fight it', async () => {
    const world = await createRolloutWorld()
    await world.start()
    await world.seconds(5)
    await world.store.traffic.set('spam', { shares: { v1: 90, v2: 10 }, slices: [], reason: 'person' })
    await world.seconds(5)
    expect(await world.rollout()).toMatchObject({
      state: 'paused',
      reason: 'manual: the traffic was set by hand',
    })
    expect(await splitOf(world)).toEqual({ v1: 90, v2: 10 })
    await world.judge.resume(world.id())
    expect(await splitOf(world)).toEqual({ v1: 99, v2: 1 })
  })

  test('an abort is one write, and stands in the record', async () => {
    const world = await createRolloutWorld()
    await world.start()
    await world.seconds(20)
    const writes = world.store.splits.length
    const aborted = await world.judge.abort(world.id(), 'I do not like it')
    expect(aborted.state).toBe('aborting')
    expect(world.store.splits.length).toBe(writes + 1)
    expect(await splitOf(world)).toEqual({ v1: 100 })
    expect((await world.looks()).at(-1)).toMatchObject({ decision: 'abort', reason: 'I do not like it' })
    expect(await world.until(['rolled-back'], 20)).toBeDefined()
    expect((await world.rollout()).rollbackMs).toBe(0)
    await expect(world.judge.resume(world.id())).rejects.toMatchObject({ code: 'rollout_conflict' })
  })
})
