import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type PrivateRedis, privateRedis } from '../../scripts/redis.ts'
import { textContract } from '../../src/contracts/index.ts'
import { type Installation, openInstallation } from '../../src/fleet/testing/installation.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { type ChatProvider, openChatProvider } from '../batches/chat-provider.ts'

/** Control and two gateways as the processes that they are, a provider on HTTP, and Redis or control as who counts. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
const isSkipped = process.env.SLIPWAY_TEST_REDIS === 'skip'
const GATEWAY = resolve(import.meta.dirname, '../../src/apps/gateway.ts')

interface Pair {
  readonly installation: Installation
  readonly provider: ChatProvider
  readonly key: string
  /** Gateway 0 is the installation's own. */
  ask(gateway: 0 | 1, question: string): Promise<{ status: number; text: string }>
  startSecond(): Promise<void>
  killSecond(): Promise<void>
  close(): Promise<void>
}

async function openPair(environment: Record<string, string>, limits: Record<string, unknown>): Promise<Pair> {
  const provider = await openChatProvider()
  const installation = await openInstallation({ environment })
  const { folder } = installation
  const controlUrl = (
    JSON.parse(readFileSync(join(folder, 'credentials.json'), 'utf8')) as { control: string }
  ).control
  let second: ChildProcess | undefined
  let secondUrl = ''
  const house = { kind: 'openai-compatible', baseUrl: `${provider.origin}/v1`, allowInner: true }
  await installation.call('PUT', '/api/v1/providers/house', house)
  await installation.call('POST', '/api/v1/models', { model: 'chat', contract: textContract })
  const spec = { engine: 'openai', provider: 'house', modelName: 'big', contract: textContract }
  await installation.call('POST', '/api/v1/models/chat/versions', { label: 'v1', spec })
  await installation.call('POST', '/api/v1/deployments', {
    model_name: 'chat',
    version: 'v1',
    traffic_percent: 100,
  })
  const price = {
    provider: 'house',
    model: 'big',
    prices: { input: '100', output: '100' },
    from: '2020-01-01',
    source: 'test',
  }
  await installation.call('PUT', '/api/v1/prices', price)
  for (const [name, rule] of Object.entries(limits))
    await installation.call('PUT', `/api/v1/limits/${name}`, rule)
  const made = await installation.call<{ key: string }>('POST', '/api/v1/keys', {
    name: 'shop',
    tenant: 'shop',
    scopes: ['predict'],
    limits: { requestsPerSecond: 10 },
  })
  const pair: Pair = {
    installation,
    provider,
    key: made.key,
    async ask(gateway, question) {
      const url = gateway === 0 ? installation.gatewayUrl : secondUrl
      const body = { model: 'chat', max_tokens: 100, messages: [{ role: 'user', content: question }] }
      const answer = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${made.key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      return { status: answer.status, text: await answer.text() }
    },
    async startSecond() {
      second = spawn(process.execPath, [GATEWAY], {
        env: {
          ...process.env,
          SLIPWAY_DATA: folder,
          SLIPWAY_GATEWAY_INDEX: '1',
          SLIPWAY_GATEWAY_PORT: '0',
          SLIPWAY_CONTROL_URL: controlUrl,
          ...environment,
        },
        stdio: 'ignore',
      })
      const runFile = join(folder, 'run', 'gateway-1.json')
      await until(() => existsSync(runFile))
      secondUrl = `http://127.0.0.1:${(JSON.parse(readFileSync(runFile, 'utf8')) as { port: number }).port}`
    },
    async killSecond() {
      if (second === undefined || second.exitCode !== null || second.signalCode !== null) return
      second.kill('SIGKILL')
      await once(second, 'exit')
    },
    async close() {
      provider.release()
      await pair.killSecond()
      await installation.close()
      await provider.close()
    },
  }
  await pair.startSecond()
  return pair
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const limit = AbortSignal.timeout(60_000)
  while (!(await holds())) {
    limit.throwIfAborted()
    await systemClock.sleep(100)
  }
}

let pair: Pair | undefined
afterEach(async () => {
  await pair?.close()
  pair = undefined
})

describe.skipIf(isSkipped)('two gateway processes that share limits by a real Redis', () => {
  let redis: PrivateRedis
  beforeAll(async () => {
    redis = await privateRedis()
  })
  afterAll(() => redis?.remove())

  test('keep a key to its requests a second and a tenant to its tokens a minute, together', async () => {
    const environment = { SLIPWAY_REDIS_URL: redis.url, SLIPWAY_REDIS_PREFIX: 'rates' }
    const open = await openPair(environment, { shop: { tenant: 'shop', tokensPerMinute: 2000 } })
    pair = open
    // Each is let through for 100 tokens and some, and uses 5.
    for (const gateway of [0, 1] as const)
      await until(async () => (await open.ask(gateway, 'ready?')).status === 200)
    const before = open.provider.asked.length
    const startedMs = performance.now()
    const burst = await Promise.all(
      Array.from({ length: 60 }, (_, index) => open.ask(index % 2 === 0 ? 0 : 1, `q${index}`)),
    )
    const seconds = (performance.now() - startedMs) / 1000
    const asked = open.provider.asked.length - before
    expect(burst.filter(({ status }) => status === 200)).toHaveLength(asked)
    expect(asked).toBeLessThanOrEqual(10 * (1 + seconds))
    expect(burst.filter(({ text }) => text.includes('10 requests a second')).length).toBeGreaterThan(0)
    // Answers that do not come hold what they may use at most: no more than a minute's worth at once.
    const held = Array.from({ length: 60 }, (_, index) => `held-${index}`)
    for (const question of held) open.provider.moods.set(question, ['hold'])
    const answers: Promise<{ status: number; text: string }>[] = []
    const heldMs = performance.now()
    let limited = 0
    for (const [index, question] of held.entries()) {
      const answer = open.ask(index % 2 === 0 ? 0 : 1, question)
      answers.push(
        answer.then((told) => {
          if (told.text.includes('tokens a minute of tenant shop')) limited++
          return told
        }),
      )
      await systemClock.sleep(110)
    }
    await until(() => limited > 0)
    const minutes = (performance.now() - heldMs) / 60_000
    expect(open.provider.held()).toBeGreaterThan(5)
    expect(open.provider.held() * 100).toBeLessThanOrEqual(2000 * (1 + minutes))
    open.provider.release()
    await Promise.all(answers)
  })

  test('a gateway that is killed loses its places to the other one', async () => {
    const environment = { SLIPWAY_REDIS_URL: redis.url, SLIPWAY_REDIS_PREFIX: 'places' }
    const open = await openPair(environment, { shop: { tenant: 'shop', concurrency: 2 } })
    pair = open
    for (const gateway of [0, 1] as const)
      await until(async () => (await open.ask(gateway, 'ready?')).status === 200)
    for (const question of ['a', 'b']) open.provider.moods.set(question, Array(100).fill('hold'))
    // A place that the other one keeps for its next request is given back within a second or so.
    const patiently = async (question: string) => {
      while ((await open.ask(1, question)).status === 429) await systemClock.sleep(200)
    }
    const lost = Promise.allSettled([patiently('a'), patiently('b')])
    await until(() => open.provider.held() === 2)
    const refused = await open.ask(0, 'c')
    expect([refused.status, refused.text]).toEqual([
      429,
      expect.stringContaining('2 requests at once of tenant shop'),
    ])
    await open.killSecond()
    await lost
    await until(async () => (await open.ask(0, 'c')).status === 200)
  })

  test('what one gateway was answered the other one answers from the cache', async () => {
    const environment = { SLIPWAY_REDIS_URL: redis.url, SLIPWAY_REDIS_PREFIX: 'cache' }
    const open = await openPair(environment, {})
    pair = open
    await open.installation.call('PUT', '/api/v1/models/chat/serving-policy', {
      cache: { exact: { ttlMs: 600_000, cacheSampled: true } },
    })
    const timesAsked = () => open.provider.asked.filter((question) => question === 'same').length
    await until(async () => {
      await open.ask(1, 'same')
      const before = timesAsked()
      return (await open.ask(1, 'same')).status === 200 && timesAsked() === before
    })
    const before = timesAsked()
    const answer = await open.ask(0, 'same')
    expect([answer.status, timesAsked()]).toEqual([200, before])
    expect(answer.text).toContain('re: same')
  })
})

describe('two gateway processes that share limits by control', () => {
  test('money of a day is spent once, though control and both gateways are killed', async () => {
    // A question is let through for more than 100 tokens at 100 dollars a million, and uses 5: 0.0005 dollars.
    const open = await openPair({}, { shop: { tenant: 'shop', costUsdPerDay: 0.02 } })
    pair = open
    for (const gateway of [0, 1] as const)
      await until(async () => (await open.ask(gateway, 'ready?')).status === 200)
    // By estimates there is room for one question; what it did not use makes room for the next, on the other one too.
    let turn = 0
    await until(async () => {
      await open.ask(turn++ % 2 === 0 ? 0 : 1, 'more')
      return open.provider.asked.length >= 18
    })
    await open.installation.killControl()
    await open.installation.end('gateway', 'SIGKILL')
    await open.killSecond()
    await open.installation.startControl()
    await open.installation.startGateway()
    const before = open.provider.asked.length
    let refused = ''
    await until(async () => {
      refused = (await open.ask(0, 'again')).text
      return refused.includes('USD a day')
    })
    expect(refused).toContain('0.02 USD a day of tenant shop')
    expect(open.provider.asked.length - before).toBeLessThanOrEqual(3)
    expect(open.provider.asked.length * 0.0005).toBeLessThanOrEqual(0.02)
  })
})
