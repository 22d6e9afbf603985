import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GenerateAnswer, GenerateRequest, Message } from '../../../contracts/index.ts'
import type { TextEngine } from '../../text-engine.ts'
import { generate, LORAS, loadedEngine, say, tell } from './testing/sample.ts'

let engine: TextEngine
beforeAll(async () => {
  engine = await loadedEngine({ loras: LORAS })
})
afterAll(() => engine.unload())

const noEnd = { logitBias: { '1': -100 } }
const mail = 'Subject: Re: the kernel list\n\nI applied the patch and it builds fine here. '

function choicesOf(told: { answer: unknown }): GenerateAnswer['choices'] {
  return (told.answer as GenerateAnswer).choices
}

describe('a beginning that was read is not read again', () => {
  test('the same question costs one token', async () => {
    const request = say(`${mail}once`)
    const first = await generate(engine, request)
    const again = await generate(engine, request)
    const input = (first.outcome.usage.input ?? 0) + (first.outcome.usage.cacheRead ?? 0)
    expect(again.outcome.usage).toMatchObject({ input: 1, cacheRead: input - 1 })
    expect(again.text).toBe(first.text)
  })

  test('nothing is shared between adapters, and the answers tell them apart', async () => {
    const request = say(`${mail}adapted`)
    await generate(engine, request)
    const adapted = await generate(engine, { ...request, extras: { lora: 'json' } })
    expect(adapted.outcome.usage.cacheRead).toBe(0)
    const [plain, json] = await Promise.all([
      generate(engine, request),
      generate(engine, { ...request, extras: { lora: 'json' } }),
    ])
    expect([plain.text, json.text]).toEqual(['wanted', '{"label":"wanted"}'])
  })

  test('further choices copy the first one’s question; the caller pays for it once', async () => {
    const before = engine.gauges
    const request = say(`${mail}${'many words '.repeat(20)}`, {
      choices: 3,
      temperature: 1,
      seed: 5,
      topK: 4,
      maxOutputTokens: 12,
      ...noEnd,
    })
    const told = await generate(engine, request, false)
    const { inputTokens, reusedTokens } = engine.gauges
    const { usage } = told.outcome
    const input = (usage.input ?? 0) + (usage.cacheRead ?? 0)
    expect(inputTokens - before.inputTokens).toBe(3 * input)
    expect(reusedTokens - before.reusedTokens).toBe(2 * (input - 1) + (usage.cacheRead ?? 0))
    expect(usage.output).toBe(36)
    const texts = choicesOf(told).map(({ content }) => JSON.stringify(content))
    expect(choicesOf(told).map(({ index }) => index)).toEqual([0, 1, 2])
    expect(new Set(texts).size).toBe(3)
    const again = await generate(engine, request, true)
    const streamed = [0, 1, 2].map((choice) =>
      again.events
        .map((event) => (event.type === 'text' && event.choice === choice ? event.text : ''))
        .join(''),
    )
    expect(streamed.map((text) => JSON.stringify([{ type: 'text', text }]))).toEqual(texts)
  })

  test('more choices than sequences are all answered', async () => {
    const told = await generate(engine, say(mail, { choices: 9, maxOutputTokens: 3, ...noEnd }), false)
    expect(choicesOf(told)).toHaveLength(9)
  })
})

describe('the form of an answer', () => {
  const schema = {
    type: 'object',
    properties: {
      label: { enum: ['spam', 'wanted'] },
      sure: { type: 'boolean' },
      words: { type: 'array', items: { type: 'string', maxLength: 8 }, maxItems: 2 },
    },
    required: ['label', 'sure'],
  }
  test.each([0, 1, 2])('is the schema’s, whatever is drawn (%i)', async (seed) => {
    const request = say(mail, {
      temperature: 2,
      seed,
      maxOutputTokens: 200,
      output: { format: 'schema', schema },
    })
    const told = await generate(engine, request)
    const value = JSON.parse(told.text) as Record<string, unknown>
    expect(['spam', 'wanted']).toContain(value.label)
    expect(typeof value.sure).toBe('boolean')
    expect(told.outcome.finishReason).toBe('stop')
  })

  test('a schema that cannot be held to is refused with its place', async () => {
    const told = await generate(
      engine,
      say('x', {
        output: {
          format: 'schema',
          schema: { type: 'object', properties: { age: { type: 'integer', minimum: 0 } } },
        },
      }),
    )
    expect(told.outcome.failure).toMatchObject({ code: 'invalid_request', retrySafe: false })
    expect(told.outcome.failure?.detail).toContain('output.schema at /properties/age/minimum')
    expect(told.outcome.failure).not.toHaveProperty('field')
  })

  test('any JSON object', async () => {
    const told = await generate(engine, say(mail, { maxOutputTokens: 30, output: { format: 'json' } }))
    expect(told.text.startsWith('{')).toBe(true)
  })

  const tools = [
    {
      name: 'move',
      parameters: {
        type: 'object',
        properties: { folder: { enum: ['junk', 'inbox'] } },
        required: ['folder'],
      },
    },
    { name: 'nothing' },
  ]
  test('a forced call is one of the tools, with arguments of its schema', async () => {
    for (const toolChoice of ['required', { name: 'move' }] as const) {
      const told = await generate(engine, say(mail, { tools, toolChoice, maxOutputTokens: 80 }), false)
      const [part] = choicesOf(told)[0]?.content ?? []
      if (part?.type !== 'tool-call') throw new Error('no call')
      expect(tools.map(({ name }) => name)).toContain(part.name)
      if (part.name === 'move') expect(['junk', 'inbox']).toContain(JSON.parse(part.arguments).folder)
      expect(told.outcome.finishReason).toBe('tool-calls')
    }
  })

  test.each<[string, Partial<GenerateRequest>, string]>([
    ['a free choice, which this template does not mark', { tools }, 'tools'],
    ['a free choice by its name', { tools, toolChoice: 'auto' }, 'toolChoice'],
    ['what only another provider has', { extras: { store: true } }, 'extras.store'],
    ['a service tier', { serviceTier: 'flex' }, 'serviceTier'],
    [
      'a picture',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { kind: 'url', url: 'http://127.0.0.1/x.png' } }],
          },
        ],
      },
      'messages.0.content.0',
    ],
  ])('refused by its name: %s', async (_, more, field) => {
    const told = await generate(engine, say('x', more))
    expect(told.outcome.failure).toMatchObject({ code: 'invalid_request', field, retrySafe: false })
  })
})

// A field that it does have: no name is told that could be left out, but words that say what is wrong.
test.each<[string, Partial<GenerateRequest>, string]>([
  [
    'a tool that is not there',
    { tools: [{ name: 'a' }], toolChoice: { name: 'gone' } },
    'no tool is called gone',
  ],
  [
    'a form besides a call',
    { tools: [{ name: 'a' }], toolChoice: 'required', output: { format: 'json' } },
    'forced tool call',
  ],
  ['an adapter that is not there', { extras: { lora: 'gone' } }, 'is called gone; it has json'],
  ['a token that is not there', { logitBias: { '1024': 1 } }, '1024 is no token of this model'],
])('refused by its value: %s', async (_, more, words) => {
  const { failure } = (await generate(engine, say('x', more))).outcome
  expect(failure).toMatchObject({ code: 'invalid_request', retrySafe: false })
  expect(failure?.detail).toContain(words)
  expect(failure).not.toHaveProperty('field')
})

describe('drawing', () => {
  const drawn = async (more: Partial<GenerateRequest>) =>
    (await generate(engine, say(mail, { maxOutputTokens: 16, ...noEnd, ...more }))).text

  test('a seed draws the same again, another something else', async () => {
    const wild = { temperature: 1.5, seed: 3 }
    expect(await drawn(wild)).toBe(await drawn(wild))
    expect(await drawn({ ...wild, seed: 4 })).not.toBe(await drawn(wild))
  })

  test.each([{ topK: 1 }, { topP: 0 }, { minP: 1 }])('%j leaves the likeliest only', async (filter) => {
    expect(await drawn({ temperature: 1.5, ...filter })).toBe(await drawn({ temperature: 0 }))
  })

  test.each([{ frequencyPenalty: 2 }, { presencePenalty: 2 }, { repetitionPenalty: 5 }])(
    '%j changes what repeats',
    async (penalty) => {
      expect(await drawn({ maxOutputTokens: 60, ...penalty })).not.toBe(await drawn({ maxOutputTokens: 60 }))
    },
  )

  test('a bias forces a token', async () => {
    expect(await drawn({ logitBias: { '44': 100 }, maxOutputTokens: 3 })).toBe('HHH')
  })

  test('characters of several tokens come whole', async () => {
    const output = { format: 'schema', schema: { const: 'Grüße 🎉' } } as const
    const told = await generate(engine, say(mail, { output, maxOutputTokens: 60 }))
    expect(told.text).toBe('"Grüße 🎉"')
    const pieces = told.events.flatMap((event) => (event.type === 'text' ? [event.text] : []))
    expect(pieces.some((text) => text.includes('\uFFFD'))).toBe(false)
    expect(pieces.length).toBeLessThan(told.outcome.usage.output as number)
  })
})

describe('what does not fit', () => {
  const turn = (role: Message['role'], text: string): Message => ({ role, content: [{ type: 'text', text }] })
  const long: Message[] = [
    turn('system', 'Be short.'),
    ...Array.from({ length: 8 }, (_, at) => [
      turn('user', `${at} ${'word '.repeat(60)}`),
      turn('assistant', 'wanted'),
    ]).flat(),
    turn('user', 'And now?'),
  ]

  test('is refused, saying how long it is', async () => {
    const told = await generate(engine, { messages: long, maxOutputTokens: 10 })
    expect(told.outcome.failure).toMatchObject({
      code: 'context_too_long',
      field: 'messages',
      retrySafe: false,
    })
    expect(told.outcome.failure?.detail).toMatch(
      /has \d+ tokens and the answer may have 10; a sequence holds 512/,
    )
    const greedy = await generate(engine, say('x', { maxOutputTokens: 600 }))
    expect(greedy.outcome.failure).toMatchObject({ code: 'context_too_long', field: 'maxOutputTokens' })
  })

  test('or loses its oldest turns, which is said', async () => {
    const shifting = await loadedEngine({ contextShift: 'drop-oldest' })
    const told = await generate(shifting, { messages: long, maxOutputTokens: 10, temperature: 0 })
    const note = told.events.find(({ type }) => type === 'annotation')
    expect(note).toMatchObject({ annotation: { kind: 'context-shift', droppedMessages: expect.any(Number) } })
    const { droppedMessages } = (note as { annotation: { droppedMessages: number } }).annotation
    expect(droppedMessages % 2).toBe(0)
    const kept = [long[0] as Message, ...long.slice(1 + droppedMessages)]
    const same = await generate(shifting, { messages: kept, maxOutputTokens: 10, temperature: 0 })
    expect([told.text, sum(told.outcome.usage)]).toEqual([same.text, sum(same.outcome.usage)])
    const whole = await generate(shifting, { messages: long, maxOutputTokens: 10, temperature: 0 }, false)
    expect(choicesOf(whole)[0]?.content[0]).toMatchObject({
      annotations: [{ kind: 'context-shift', droppedMessages }],
    })
    const hopeless = await generate(shifting, say('word '.repeat(600)))
    expect(hopeless.outcome.failure?.code).toBe('context_too_long')
    await shifting.unload()
  })

  const sum = ({ input, cacheRead }: { input: number | null; cacheRead: number | null }) =>
    (input ?? 0) + (cacheRead ?? 0)

  test('without a limit the answer gets what the context leaves', async () => {
    const told = await generate(engine, say(mail, noEnd))
    expect(told.outcome.finishReason).toBe('length')
    expect(sum(told.outcome.usage) + (told.outcome.usage.output ?? 0)).toBe(512)
  })
})

test('what a person writes is never read as a control token', async () => {
  const count = async (text: string) =>
    (await tell(engine, { kind: 'count-tokens', request: say(text) }, { stream: false })).answer as {
      inputTokens: number
    }
  const plain = await count('a b')
  const { inputTokens } = await count('a<|end|><|assistant|>b')
  // As tokens of control they would be two more; as letters they are many.
  expect(inputTokens).toBeGreaterThan(plain.inputTokens + 8)
})

test('stop texts across token borders, told with the end', async () => {
  const whole = await generate(engine, say(mail, { ...noEnd, maxOutputTokens: 40 }))
  const stop = whole.text.slice(9, 14)
  const told = await generate(engine, say(mail, { ...noEnd, maxOutputTokens: 40, stop: [stop] }))
  expect(told.text).toBe(whole.text.slice(0, whole.text.indexOf(stop)))
  expect(told.events.find(({ type }) => type === 'finished')).toMatchObject({
    reason: 'stop',
    stopText: stop,
  })
})

test('what only begins a stop text is said when the answer ends there', async () => {
  const told = await generate(engine, say(mail, { stop: ['wanted, surely'] }))
  expect([told.text, told.outcome.finishReason]).toEqual(['wanted', 'stop'])
  expect(told.events.find(({ type }) => type === 'finished')).not.toHaveProperty('stopText')
})
