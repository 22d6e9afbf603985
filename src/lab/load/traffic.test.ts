import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../kernel/index.ts'
import { startTraffic, type Traffic, type TrafficOptions } from '../index.ts'
import { type ScriptedGateway, type ScriptedVersion, scriptedGateway } from '../testing/scripted-gateway.ts'

const opened: { gateway: ScriptedGateway; traffic: Traffic }[] = []
afterEach(async () => {
  for (const { gateway, traffic } of opened.splice(0)) {
    await gateway.close()
    await traffic.stop()
  }
})

function* endless(rows: Record<string, unknown>[]) {
  for (let index = 0; ; index++) yield rows[index % rows.length]!
}

async function started(script: ScriptedVersion, options: Partial<TrafficOptions> = {}) {
  const gateway = await scriptedGateway({ v1: script }, { key: 'good' })
  const traffic = startTraffic({
    gatewayUrl: gateway.url,
    key: 'good',
    model: 'spam_filter',
    rows: endless([{ text: 'Subject: "hi"\n\nyou' }, { text: 'Subject: ho' }]),
    ratePerSecond: 300,
    clock: systemClock,
    timeoutMs: 1000,
    users: 10,
    ...options,
  })
  opened.push({ gateway, traffic })
  return { gateway, traffic }
}

const wait = (ms: number) => systemClock.sleep(ms)

test('no two requests are equal, and they come from many users', async () => {
  const { gateway, traffic } = await started({})
  await wait(600)
  const counts = await traffic.stop()
  expect(counts.sent).toBeGreaterThan(60)
  expect(counts).toMatchObject({
    answered: counts.sent,
    failed: {},
    dropped: 0,
    inFlight: 0,
    byVersion: { v1: counts.sent },
  })
  expect(gateway.taken).toEqual({ v1: counts.sent })
  const texts = gateway.seen.map(({ inputs }) => String(inputs[0]!.text))
  expect(new Set(texts).size).toBe(texts.length)
  for (const text of texts) expect(text).toMatch(/^Message-Id: <\d+@sample>\nSubject: ("hi"\n\nyou|ho)$/)
  expect(new Set(gateway.seen.map(({ headers }) => headers['x-slipway-unit'])).size).toBe(10)
})

test('the rate can be changed, to nothing and back', async () => {
  const { traffic } = await started({})
  traffic.setRate(0)
  await wait(100)
  const still = traffic.counts().sent
  await wait(300)
  expect(traffic.counts().sent).toBe(still)
  traffic.setRate(500)
  await wait(400)
  expect(traffic.counts().sent).toBeGreaterThan(still + 40)
})

test('failures are counted by what they are', async () => {
  const { traffic } = await started({ status: (request) => (request % 2 === 0 ? 503 : undefined) })
  await wait(500)
  const counts = await traffic.stop()
  expect(counts.failed['status 503']).toBe(Math.floor(counts.sent / 2))
  expect(counts.answered).toBe(Math.ceil(counts.sent / 2))
})

test('what is in flight is bounded', async () => {
  const { traffic } = await started({ latencyMs: () => 5000 }, { mostInFlight: 20 })
  await wait(500)
  const { inFlight, dropped } = traffic.counts()
  expect(inFlight).toBe(20)
  expect(dropped).toBeGreaterThan(0)
})

test('a gateway that is gone is counted', async () => {
  const { gateway, traffic } = await started({})
  await gateway.close()
  await wait(300)
  expect(traffic.counts().failed.unreachable).toBeGreaterThan(0)
})

test('rows that end, end the traffic; rows without text are sent as they are', async () => {
  const { gateway, traffic } = await started({}, { rows: [{ size: 1 }, { size: 2 }].values() })
  await wait(300)
  expect((await traffic.stop()).sent).toBe(2)
  expect(gateway.seen.map(({ inputs }) => inputs)).toEqual([[{ size: 1 }], [{ size: 2 }]])
})
