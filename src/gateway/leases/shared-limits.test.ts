import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type PrivateRedis, privateRedis } from '../../../scripts/redis.ts'
import { hello } from '../testing/scripted-upstream.ts'
import { openSharedFleet, type SharedFleet, statusesOf } from '../testing/shared-fleet.ts'
import { until } from '../testing/world.ts'

// Left out only on request: a suite that skips itself is green where it proves nothing.
const isSkipped = process.env.SLIPWAY_TEST_REDIS === 'skip'
let redis: PrivateRedis | undefined
const fleets: SharedFleet[] = []
beforeAll(async () => {
  if (!isSkipped) redis = await privateRedis()
})
afterEach(async () => {
  for (const fleet of fleets.splice(0)) await fleet.close()
})
afterAll(() => redis?.remove())

const open = async (by: 'control' | 'redis', limits: Parameters<typeof openSharedFleet>[2]) => {
  const fleet = await openSharedFleet(by, redis?.url, limits)
  fleets.push(fleet)
  return fleet
}
const holdAll = ({ upstreams }: SharedFleet) => {
  for (const upstream of upstreams) upstream.behave = () => undefined
}

describe.each(['control', 'redis'] as const)('two gateways that share limits by %s', (by) => {
  const shared = test.skipIf(by === 'redis' && isSkipped)

  shared('let as many requests a minute through as one would, and not one more', async () => {
    const fleet = await open(by, { rules: [{ tenant: 'default', requestsPerMinute: 20 }] })
    const startedMs = performance.now()
    const answers = [...(await fleet.askAll(30)), ...(await fleet.askAll(30))]
    const filled = Math.floor(((performance.now() - startedMs) / 60_000) * 20)
    const { 200: through = 0, 429: refused = 0 } = statusesOf(answers)
    expect(through + refused).toBe(60)
    expect(through).toBeLessThanOrEqual(20 + filled)
    expect(through).toBeGreaterThanOrEqual(15)
    const turnedAway = answers.find(({ status }) => status === 429)
    expect(turnedAway?.body.toString()).toContain('20 requests a minute of tenant default (r0)')
    expect(Number(turnedAway?.headers['retry-after'])).toBeGreaterThan(0)
  })

  shared('settle tokens by what was used, and what was not used can be used on the other one', async () => {
    // Each is let through for 11 tokens and more, and uses 9.
    const fleet = await open(by, { rules: [{ model: 'chat', tokensPerMinute: 200 }] })
    const startedMs = performance.now()
    let [through, misses] = [0, 0]
    for (let turn = 0; misses < 12; turn++) {
      const { status } = await fleet.ask(turn % 2)
      if (status === 200) through++
      else misses++
    }
    const may = 200 * (1 + (performance.now() - startedMs) / 60_000)
    expect(through * 9).toBeLessThanOrEqual(may)
    // By estimates alone there would have been room for fewer.
    expect(through * 11).toBeGreaterThan(200 - 2 * 11)
  })

  shared('hold a key to its requests a second together', async () => {
    const fleet = await open(by, { keyLimits: { requestsPerSecond: 10 } })
    const startedMs = performance.now()
    const answers = await fleet.askAll(60)
    const { 200: through = 0 } = statusesOf(answers)
    expect(through).toBeLessThanOrEqual(10 * (1 + (performance.now() - startedMs) / 1000))
    expect(through).toBeGreaterThanOrEqual(8)
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.body.toString()).toContain('10 requests a second')
  })

  shared.each([
    ['a rule', { rules: [{ concurrency: 3 }] }, 'limit_reached'],
    ['a key', { keyLimits: { concurrency: 3 } }, 'concurrency_limited'],
  ])(
    'run no more at once than %s allows, and a place that is free on one can be had on the other',
    async (_, limits, code) => {
      const fleet = await open(by, limits)
      holdAll(fleet)
      const running = [fleet.ask(0), fleet.ask(1), fleet.ask(0)]
      await until(() => fleet.running() === 3)
      const refused = await fleet.ask(1)
      expect([refused.status, refused.body.includes(code)]).toEqual([429, true])
      expect((await fleet.ask(0)).status).toBe(429)
      const [first] = fleet.upstreams[0]?.calls ?? []
      if (first !== undefined) hello(first)
      for (const upstream of fleet.upstreams) upstream.behave = hello
      await until(async () => (await fleet.ask(1)).status === 200)
      for (const call of fleet.upstreams.flatMap(({ calls }) => calls)) if (!call.isSettled) hello(call)
      expect(statusesOf(await Promise.all(running))).toEqual({ 200: 3 })
    },
  )

  shared('give back at stop what they hold, so that the other one has it', async () => {
    const fleet = await open(by, { rules: [{ requestsPerMinute: 10 }] })
    for (let request = 0; request < 5; request++) expect((await fleet.ask(0)).status).toBe(200)
    await fleet.shares[0]?.close()
    expect(statusesOf(await Promise.all(Array.from({ length: 5 }, () => fleet.ask(1))))).toEqual({ 200: 5 })
  })
})

describe.each(['control', 'redis'] as const)('when %s that counts is away', (by) => {
  const down = test.skipIf(by === 'redis' && isSkipped)
  const stop = (fleet: SharedFleet) =>
    by === 'redis' ? redis?.signal('SIGKILL') : fleet.gateways[0]?.control.stop()
  const start = async (fleet: SharedFleet) => {
    if (by === 'redis') await redis?.start()
    else await fleet.gateways[0]?.control.start()
  }
  const isUp = async ({ gateways }: SharedFleet, wanted: 0 | 1) => {
    for (const world of gateways) {
      const name = `slipway_gateway_shared_limits_up{authority="${by}"}`
      if ((await world.metric(name)) !== wanted) return false
    }
    return true
  }

  down('a closed limit refuses and says why, and lets through again when it is back', async () => {
    const fleet = await open(by, { rules: [{ requestsPerMinute: 1000 }] })
    expect(statusesOf(await fleet.askAll(4))).toEqual({ 200: 4 })
    await stop(fleet)
    const reason = `(what is left of it is not known: ${by} does not answer)`
    for (const gateway of [0, 1]) await until(async () => (await fleet.ask(gateway)).body.includes(reason))
    const refused = await fleet.ask(0)
    expect([refused.status, refused.body.includes('limit_reached')]).toEqual([429, true])
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(await isUp(fleet, 0)).toBe(true)
    await start(fleet)
    await until(() => isUp(fleet, 1), 20_000)
    expect(statusesOf(await fleet.askAll(4))).toEqual({ 200: 4 })
  })

  down('an open limit counts on with what was left, and owes it', async () => {
    const fleet = await open(by, { rules: [{ requestsPerMinute: 20, onStoreDown: 'open' }] })
    const startedMs = performance.now()
    let through = statusesOf(await fleet.askAll(6))[200] ?? 0
    expect(through).toBe(6)
    await stop(fleet)
    for (let turn = 0, refused = 0; refused < 8; turn++) {
      const { status } = await fleet.ask(turn % 2)
      if (status === 200) through++
      else refused++
    }
    const filled = Math.ceil(((performance.now() - startedMs) / 60_000) * 20)
    // What was left when each last heard of it, which may have been before the other took its part.
    expect(through).toBeGreaterThanOrEqual(20)
    expect(through).toBeLessThanOrEqual(2 * (20 + filled))
    await start(fleet)
    await until(() => isUp(fleet, 1), 20_000)
    // Both say what they owe, and then there is nothing left for a while.
    for (const gateway of [0, 1])
      await until(async () => {
        const { status, body } = await fleet.ask(gateway)
        return status === 429 && !body.includes('not known')
      })
  })

  down('requests a second and at once of keys are counted on by each gateway', async () => {
    const fleet = await open(by, { keyLimits: { requestsPerSecond: 1000, concurrency: 100 } })
    expect(statusesOf(await fleet.askAll(4))).toEqual({ 200: 4 })
    await stop(fleet)
    expect(statusesOf(await fleet.askAll(20))).toEqual({ 200: 20 })
    await start(fleet)
    await until(() => isUp(fleet, 1), 20_000)
    expect(statusesOf(await fleet.askAll(4))).toEqual({ 200: 4 })
  })

  down(
    'hanging in the middle of traffic it holds nobody: every request is answered while it hangs',
    async () => {
      const fleet = await open(by, { rules: [{ requestsPerMinute: 30 }], keyLimits: { concurrency: 50 } })
      const before = fleet.askAll(10)
      if (by === 'redis') await redis?.signal('SIGSTOP')
      else for (const world of fleet.gateways) world.control.mood = 'hang'
      const answers = [...(await before), ...(await fleet.askAll(30))]
      const { 200: through = 0, 429: refused = 0 } = statusesOf(answers)
      expect(through + refused).toBe(40)
      expect(refused).toBeGreaterThan(0)
      if (by === 'redis') await redis?.signal('SIGCONT')
      else for (const world of fleet.gateways) world.control.mood = 200
      await until(async () => (await fleet.ask(0)).status === 200, 20_000)
    },
  )
})
