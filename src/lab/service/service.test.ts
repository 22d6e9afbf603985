import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../kernel/index.ts'
import { cacheEffects } from './cache-effects.ts'
import { dataPath } from './data-path.ts'
import { readRecords } from './records.ts'
import { runService, type ServicePlan } from './run-service.ts'
import { serviceReport } from './service-report.ts'
import { readServiceTarget } from './service-target.ts'
import { type ScriptedAnswer, type ServiceScript, scriptedService } from './testing/scripted-service.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((service) => service.close()))
})

const PLAN: ServicePlan = {
  repeats: 2,
  timeoutMs: 10_000,
  mostAsked: 100,
  windows: { before: null, after: null },
}

async function compared(a: ServiceScript, b: ServiceScript, lines = '', plan: Partial<ServicePlan> = {}) {
  const services = [await scriptedService(a), await scriptedService(b)] as const
  opened.push(...services)
  const [one, other] = services.map(({ url }) => readServiceTarget(url, undefined))
  const records = lines === '' ? [] : readRecords(lines, 'asked.jsonl')
  const more = { clock: systemClock, signal: new AbortController().signal }
  return runService([one!, other!], records, { ...PLAN, ...plan }, more)
}

/** Changes the answer as JSON text; `from` must be in what some probe is answered. */
function replaced(from: string, to: string) {
  const all = (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll(from, to))
  return (answer: ScriptedAnswer): ScriptedAnswer => ({
    ...answer,
    body: all(answer.body),
    events: all(answer.events),
  })
}

const refused = (answer: ScriptedAnswer): ScriptedAnswer => ({
  ...answer,
  status: 400,
  body: { error: { message: 'no', type: 'invalid_request_error', code: 'unsupported' } },
})

describe('a planted difference is found, with whom it hurts', () => {
  const when =
    (
      isMeant: (asked: Record<string, unknown>) => boolean,
      change: (answer: ScriptedAnswer) => ScriptedAnswer,
    ) =>
    (answer: ScriptedAnswer, asked: Record<string, unknown>) =>
      isMeant(asked) ? change(answer) : answer
  let turn = 0

  test.each<[string, NonNullable<ServiceScript['change']>, object]>([
    [
      'a field is gone',
      replaced('"id":"c",', ''),
      {
        probe: 'plain',
        aspect: 'field id',
        effect: 'breaking',
        hurts: 'clients that ask for one answer and read id',
      },
    ],
    [
      'a field is new',
      replaced('"id":"c",', '"id":"c","more":1,'),
      { probe: 'plain', aspect: 'field more', effect: 'compatible' },
    ],
    [
      'a field has another type',
      replaced('"index":0', '"index":"0"'),
      {
        probe: 'plain',
        aspect: 'field choices[].index',
        before: 'number',
        after: 'string',
        effect: 'breaking',
      },
    ],
    [
      'a stream has another event form',
      (answer) => ({
        ...answer,
        events: JSON.parse(JSON.stringify(answer.events).replaceAll('"delta"', '"part"')),
      }),
      { probe: 'stream', aspect: 'event field choices[].delta', effect: 'breaking' },
    ],
    [
      'a stream ends without its mark',
      (answer) => ({ ...answer, isDone: false }),
      { probe: 'stream', aspect: 'stream ends with [DONE]', after: 'broken', effect: 'breaking' },
    ],
    [
      'a stream tells no usage',
      (answer) => ({
        ...answer,
        events: answer.events.filter((event) => !JSON.stringify(event).includes('usage')),
      }),
      { probe: 'stream', aspect: 'event field usage', effect: 'breaking' },
    ],
    [
      'tools are refused',
      when(({ tools }) => tools !== undefined, refused),
      { probe: 'tools', aspect: 'status', before: '200', after: '400', effect: 'breaking' },
    ],
    [
      'one tool is called at a time',
      replaced(
        ',{"id":"call_1","type":"function","function":{"name":"time","arguments":"{\\"city\\":\\"Oslo\\"}"}}',
        '',
      ),
      { probe: 'parallel-tools', aspect: 'call of time', after: 'broken', effect: 'breaking' },
    ],
    [
      'arguments are not JSON',
      replaced('{\\"city\\":\\"Oslo\\"}', 'Oslo'),
      { probe: 'tools', aspect: 'arguments that are JSON', after: 'broken', effect: 'breaking' },
    ],
    [
      'streamed arguments are not JSON',
      replaced('{\\"city\\":\\"Oslo\\"}', 'Oslo'),
      { probe: 'tools-stream', aspect: 'arguments that are JSON', after: 'broken' },
    ],
    [
      'a schema is not kept',
      replaced('\\"red\\"', '\\"rot\\"'),
      { probe: 'json-schema', aspect: 'JSON with the required members', after: 'broken', effect: 'breaking' },
    ],
    [
      'a stop word is said',
      replaced('one two "', 'one two STOP"'),
      { probe: 'stop', aspect: 'stop word left out', after: 'broken', effect: 'breaking' },
    ],
    [
      'log probabilities are missing',
      replaced('"logprobs":{"content":[{"token":"Hello","logprob":-0.1}]}', '"logprobs":null'),
      { probe: 'logprobs', aspect: 'field choices[].logprobs.content', effect: 'breaking' },
    ],
    [
      'a seed does nothing',
      when(
        ({ seed }) => seed !== undefined,
        (answer) => ({
          ...answer,
          body: JSON.parse(JSON.stringify(answer.body).replace('Hello.', `Animal ${turn++}`)),
        }),
      ),
      { probe: 'seed', aspect: 'seeded answer', after: 'differs', effect: 'breaking' },
    ],
    [
      'a limit is not kept',
      replaced('"completion_tokens":5', '"completion_tokens":6'),
      { probe: 'limit', aspect: 'limit of tokens', after: 'broken', effect: 'breaking' },
    ],
    [
      'a finish reason has another name',
      replaced('"tool_calls"}', '"tool_use"}'),
      {
        probe: 'tools',
        aspect: 'finish reason',
        before: 'tool_calls',
        after: 'tool_use',
        effect: 'breaking',
      },
    ],
    [
      'usage does not add up',
      replaced('"completion_tokens":2', '"completion_tokens":3'),
      { probe: 'plain', aspect: 'usage that adds up', after: 'broken', effect: 'breaking' },
    ],
    [
      'a long prompt is refused',
      when(({ messages }) => JSON.stringify(messages).length > 9000, refused),
      { probe: 'long-input', aspect: 'status', effect: 'breaking' },
    ],
    [
      'a refusal has another code',
      replaced('"code":"invalid_type"', '"code":"bad"'),
      {
        probe: 'invalid-input',
        aspect: 'error code',
        before: 'invalid_type',
        after: 'bad',
        effect: 'breaking',
      },
    ],
    [
      'a refusal has another status',
      (answer) => (answer.status === 400 ? { ...answer, status: 422 } : answer),
      {
        probe: 'impossible-limit',
        aspect: 'status',
        effect: 'breaking',
        hurts: 'clients that tell errors by status',
      },
    ],
    [
      'what was refused is taken',
      (answer) => (answer.status === 400 ? { ...answer, status: 200, body: {} } : answer),
      { probe: 'invalid-input', aspect: 'status', effect: 'compatible' },
    ],
    [
      'an unknown field is refused',
      when((asked) => 'slipway_probe_field' in asked, refused),
      { probe: 'unknown-field', aspect: 'status', effect: 'breaking' },
    ],
    [
      'a header is new',
      (answer) => ({ ...answer, headers: { 'x-ratelimit-limit-requests': '5' } }),
      { probe: 'plain', aspect: 'header x-ratelimit-limit-requests', effect: 'compatible' },
    ],
    [
      'a probe is not answered',
      when(
        ({ stop }) => stop !== undefined,
        (answer) => ({ ...answer, status: 503 }),
      ),
      { probe: 'stop', aspect: 'answer', effect: 'unknown' },
    ],
  ])('%s', async (_, change, row) => {
    const { judgement } = await compared({}, { change })
    expect(judgement.rows).toContainEqual(expect.objectContaining(row))
    const breaks = judgement.rows.some(({ effect }) => effect === 'breaking')
    const isOpen = (row as { aspect: string }).aspect === 'answer'
    expect(judgement.status).toBe(breaks ? 'fail' : isOpen ? 'inconclusive' : 'pass')
  })

  test('a finish reason that nobody knows is breaking, a known one may be the model', async () => {
    const finishing = async (reason: string) => {
      const change = replaced('"finish_reason":"stop"', `"finish_reason":"${reason}"`)
      const { judgement } = await compared({}, { change })
      return judgement.rows.find(({ probe, aspect }) => probe === 'plain' && aspect === 'finish reason')
    }
    expect(await finishing('end_turn')).toMatchObject({ effect: 'breaking' })
    expect(await finishing('length')).toMatchObject({ effect: 'unknown' })
  })

  test('a target that varies by itself leaves a difference unknown', async () => {
    let count = 0
    const coded = (code: () => string): ServiceScript => ({
      change: (answer) => replaced('"code":"invalid_type"', `"code":"${code()}"`)(answer),
    })
    const { judgement } = await compared(
      coded(() => `x${count++}`),
      coded(() => 'z'),
    )
    const row = judgement.rows.find(({ aspect }) => aspect === 'error code')
    expect(row).toMatchObject({ effect: 'unknown', after: 'z' })
  })

  test('a service against itself differs in nothing', async () => {
    const { judgement } = await compared({}, {})
    expect(judgement).toMatchObject({ status: 'pass', rows: [] })
  })

  test('what differs from answer to answer of both is not called breaking', async () => {
    let count = 0
    const moody: ServiceScript = {
      change: (answer) => (count++ % 3 === 0 ? replaced('"id":"c",', '')(answer) : answer),
    }
    const { judgement } = await compared(moody, moody, '', { repeats: 6 })
    expect(judgement.rows.filter(({ effect }) => effect === 'breaking')).toEqual([])
  })

  test('nobody there is no proof of anything', async () => {
    const gone = await scriptedService()
    await gone.close()
    const target = readServiceTarget(gone.url, undefined)
    const more = { clock: systemClock, signal: new AbortController().signal }
    const { judgement } = await runService([target, target], [], { ...PLAN, repeats: 1 }, more)
    expect(judgement.status).toBe('inconclusive')
  })
})

describe('recorded requests', () => {
  const line = (text: string) =>
    JSON.stringify({ model: 'm', messages: [{ role: 'user', content: text }], max_tokens: 10 })
  const lines = Array.from({ length: 20 }, (_, index) => line('word '.repeat(10 * (index + 1)))).join('\n')

  test('tokens, old to new, with the requests that no longer fit', async () => {
    const longer = { tokensOf: (characters: number) => Math.ceil(characters / 4) * 2, contextTokens: 400 }
    const { judgement } = await compared({}, longer, lines)
    expect(judgement.tokens).toMatchObject({ asked: 20, overflowBefore: { count: 0, of: 20 } })
    expect(judgement.tokens?.ratio?.estimate).toBeCloseTo(2, 9)
    // Prompts of 50n + 30 characters take 2 · ⌈(50n + 30)/4⌉ tokens, above 400 from n = 16 on.
    expect(judgement.tokens?.overflowAfter).toMatchObject({ count: 5, of: 20 })
    expect(judgement.status).toBe('fail')
    expect(judgement.summary).toMatch(/5 recorded requests no longer fit/)
  })

  test('a window that is known counts the answer too', async () => {
    const windows = { before: null, after: 250 }
    const { judgement } = await compared({}, {}, lines, { windows })
    // ⌈(50n + 30)/4⌉ + 10 > 250 from n = 19 on.
    expect(judgement.tokens?.overflowAfter).toMatchObject({ count: 2, of: 20 })
  })

  test('prompts that are cut without a word are counted', async () => {
    const cut = { tokensOf: (characters: number) => Math.min(60, Math.ceil(characters / 4)) }
    const { judgement } = await compared({}, cut, lines)
    expect(judgement.tokens).toMatchObject({ truncatedBefore: 0 })
    expect(judgement.tokens?.truncatedAfter).toBeGreaterThanOrEqual(5)
  })

  test('exact keys ignore how an answer is sent, and a switch starts cold', () => {
    const asked = (text: string, stream: boolean) =>
      JSON.stringify({ messages: [{ role: 'user', content: text }], stream })
    const records = readRecords(
      [asked('a', true), asked('b', false), asked('a', false), asked('a', false)].join('\n'),
      'f',
    )
    expect(cacheEffects(records, 64)).toMatchObject({
      exactHitShare: 2 / 4,
      exactHitShareWithoutSwitch: 2 / 2,
      exactHitShareAfterSwitch: 1 / 2,
    })
  })

  test('equal blocks behind different beginnings are not shared', () => {
    const of = (prompt: string) => ({ body: { messages: [prompt] }, prompt, outputTokens: 0 })
    expect(cacheEffects([of('aaaabbbb'), of('aaaabbbb')], 4).prefixReuseShare).toBe(2 / 4)
    expect(cacheEffects([of('aaaabbbb'), of('ccccbbbb')], 4).prefixReuseShare).toBe(0)
  })

  test.each([
    ['no JSON', 'x', /f:1: it is not a JSON object/],
    ['no messages', '{"a":1}', /f:1: it has no list of "messages"/],
    ['nothing', '\n', /holds no request/],
  ])('%s is refused with its line', (_, text, reason) => expect(() => readRecords(text, 'f')).toThrow(reason))
})

describe('the data path', () => {
  test('volume grows with the forecast, lag only above what the store takes', () => {
    const rows = dataPath({
      bytesPerRecord: 500,
      requestsPerDay: 864_000,
      peakOverMean: 3,
      retentionDays: 30,
      drainPerSecond: 100,
    })
    expect(rows).toEqual([
      { times: 1, peakPerSecond: 30, bytesPerDay: 432e6, keptBytes: 12.96e9, lagSeconds: 0 },
      { times: 2, peakPerSecond: 60, bytesPerDay: 864e6, keptBytes: 25.92e9, lagSeconds: 0 },
      { times: 10, peakPerSecond: 300, bytesPerDay: 4.32e9, keptBytes: 129.6e9, lagSeconds: 7200 },
    ])
  })
})

describe('an address', () => {
  test('a version behind a gateway is pinned, and the key is in no name', () => {
    const target = readServiceTarget('slipway+http://127.0.0.1:8080#support@v2', 'secret')
    expect(target).toMatchObject({
      url: 'http://127.0.0.1:8080/v1/chat/completions',
      model: 'support',
      headers: { 'x-slipway-version': 'v2', authorization: 'Bearer secret' },
    })
    expect(target.name).not.toContain('secret')
  })
  test.each([
    ['http://a/v1#m'],
    ['openai+http://a/v1'],
    ['openai+http://u:p@a/v1#m'],
    ['openai+http://a/#%E0%A4%A'],
    ['ftp+http://a#m'],
  ])('%s is refused', (address) =>
    expect(() => readServiceTarget(address, undefined)).toThrow(/cannot be used/),
  )
})

test('the report names what breaks first', async () => {
  const { judgement } = await compared({}, { change: replaced('"id":"c",', '"more":1,') })
  const report = serviceReport(['a', 'b'], judgement, [])
  expect(report.indexOf('| breaking |')).toBeLessThan(report.indexOf('| compatible |'))
  expect(report).toContain('clients that read streams and read id')
})
