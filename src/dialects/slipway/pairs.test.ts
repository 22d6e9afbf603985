import { describe, expect, test } from 'vitest'
import {
  type GenerateAnswer,
  type GenerateRequest,
  type Message,
  NO_USAGE,
  type Part,
} from '../../contracts/index.ts'
import {
  anthropicProvider,
  anthropicSurface,
  chatProvider,
  chatSurface,
  collect,
  type JsonObject,
  type ProviderDialect,
  responsesProvider,
  responsesSurface,
  type SurfaceDialect,
  slipwayProvider,
  slipwaySurface,
} from '../index.ts'
import { eventsOf } from '../testing/arbitraries.ts'
import { sampleContext } from '../testing/dialect.conformance.ts'
import { type Conversation, conversations, type Spoken } from './pairs.fixtures.ts'

const both: Readonly<Record<Spoken, { surface: SurfaceDialect; provider: ProviderDialect }>> = {
  'openai-chat': { surface: chatSurface, provider: chatProvider() },
  anthropic: { surface: anthropicSurface, provider: anthropicProvider },
  'openai-responses': { surface: responsesSurface, provider: responsesProvider },
  slipway: { surface: slipwaySurface, provider: slipwayProvider },
}
const spoken = Object.keys(both) as Spoken[]

/** What a provider refuses of a surface's conversation, by the name it gives. All else goes through without loss. */
const FOREIGN_SIGNATURE = 'messages.1.content.0'
const REFUSED: Readonly<
  Record<Spoken, Readonly<Partial<Record<Spoken, Partial<Record<Conversation, string>>>>>>
> = {
  'openai-chat': {
    anthropic: { json: 'output', state: 'extras.store' },
    'openai-responses': { stop: 'stop' },
  },
  anthropic: {
    'openai-chat': {
      thoughts: `${FOREIGN_SIGNATURE}.signature`,
      marks: 'messages.0.content.0.cache',
      state: 'extras.container',
      hosted: 'extras.tools.web_search_20250305',
    },
    'openai-responses': {
      stop: 'stop',
      thoughts: FOREIGN_SIGNATURE,
      marks: 'messages.0.content.0.cache',
      state: 'extras.container',
      hosted: 'extras.tools.web_search_20250305',
    },
  },
  'openai-responses': {
    'openai-chat': {
      thoughts: `${FOREIGN_SIGNATURE}.signature`,
      state: 'extras.previous_response_id',
      hosted: 'extras.tools.web_search',
    },
    anthropic: {
      json: 'output',
      thoughts: FOREIGN_SIGNATURE,
      state: 'extras.previous_response_id',
      hosted: 'extras.tools.web_search',
    },
  },
  slipway: {
    'openai-chat': {
      thoughts: `${FOREIGN_SIGNATURE}.signature`,
      marks: 'messages.0.content.0.cache',
      hosted: 'extras.tools.web_search',
    },
    anthropic: { json: 'output', state: 'extras.store', hosted: 'extras.tools.web_search' },
    'openai-responses': { stop: 'stop', thoughts: FOREIGN_SIGNATURE, marks: 'messages.0.content.0.cache' },
  },
}

const usage = { ...NO_USAGE, input: 20, cacheRead: 10, output: 9, reasoning: 4 }
const answered = (
  content: Part[],
  finishReason: GenerateAnswer['choices'][number]['finishReason'],
): GenerateAnswer => ({
  id: 'id-1',
  providerModel: 'a-model',
  createdAt: 0,
  choices: [{ index: 0, content, finishReason }],
  usage,
})

const answers: readonly (readonly [string, GenerateAnswer])[] = [
  ['a text', answered([{ type: 'text', text: 'Hello there' }], 'stop')],
  ['a text that was cut', answered([{ type: 'text', text: 'Hello' }], 'length')],
  [
    'a text and two calls',
    answered(
      [
        { type: 'text', text: 'Let me see' },
        { type: 'tool-call', id: 'c1', name: 'f', arguments: '{"a":1}' },
        { type: 'tool-call', id: 'c2', name: 'g', arguments: '{}' },
      ],
      'tool-calls',
    ),
  ],
  [
    'a thought and a text',
    answered(
      [
        { type: 'reasoning', text: 'Hm', signature: 'c2ln' },
        { type: 'text', text: 'Hi' },
      ],
      'stop',
    ),
  ],
  ['a refusal', answered([{ type: 'refusal', text: 'No' }], 'refusal')],
]

const pairs = spoken.flatMap((from) => spoken.map((to) => [from, to] as const))

describe.each(pairs)('%s to %s', (from, to) => {
  const { surface } = both[from]
  const { provider, surface: reads } = both[to]
  const asked = Object.entries(conversations[from]) as [Conversation, JsonObject][]

  test.each(asked)('asks %s', (name, body) => {
    const request = surface.readRequest(body)
    const refusal = REFUSED[from][to]?.[name]
    if (refusal !== undefined) {
      expect(() => provider.writeRequest(request, 'm')).toThrow(
        expect.objectContaining({ name: 'UnsupportedFeature', feature: refusal, dialect: to }),
      )
      return
    }
    const written = JSON.parse(JSON.stringify(provider.writeRequest(request, 'm'))) as JsonObject
    expect(essence(reads.readRequest(written))).toEqual(essence(request))
  })

  test.each(answers)('is answered with %s, whole and streamed', (_, answer) => {
    const wire = JSON.parse(JSON.stringify(reads.writeAnswer(answer, sampleContext)))
    const read = provider.readAnswer(wire)
    const told = JSON.parse(JSON.stringify(surface.writeAnswer(read, sampleContext)))
    expect(words(both[from].provider.readAnswer(told), from, to)).toEqual(words(answer, from, to))

    const first = reads.streamWriter(sampleContext)
    const bytes = eventsOf(answer, 3)
      .map((event) => first.write(event))
      .join('')
    const second = surface.streamWriter(sampleContext)
    let again = ''
    readStream(provider, bytes, (event) => {
      again += second.write(event)
    })
    const events: Parameters<typeof second.write>[0][] = []
    readStream(both[from].provider, again, (event) => events.push(event))
    expect(words(collect(events, 0), from, to)).toEqual(words(answer, from, to))
  })

  test('fails when it fails, and never ends well', () => {
    const writer = surface.streamWriter(sampleContext)
    const first = reads.streamWriter(sampleContext)
    const failed = { type: 'failed', code: 'upstream_failed', detail: 'It broke', status: 502 } as const
    const told = [...eventsOf(answers[0]?.[1] as GenerateAnswer, 3).slice(0, 3), failed]
    let again = ''
    readStream(provider, told.map((event) => first.write(event)).join(''), (event) => {
      again += writer.write(event)
    })
    const types: string[] = []
    readStream(both[from].provider, again, (event) => types.push(event.type))
    expect(types.filter((type) => type === 'ended' || type === 'failed')).toEqual(['failed'])
  })
})

function readStream(
  provider: ProviderDialect,
  bytes: string,
  emit: Parameters<ProviderDialect['streamReader']>[0],
): void {
  const reader = provider.streamReader(emit)
  reader.push(Buffer.from(bytes))
  reader.end()
}

/** What a request asks, without what each API wants said that means nothing else. */
function essence({ extras, output, tools, ...request }: GenerateRequest): object {
  const { name: _, ...format } = { name: undefined, ...output }
  const asked = Object.entries(extras ?? {}).filter(([name]) => !name.startsWith('content.'))
  return {
    ...request,
    ...(asked.length === 0 ? {} : { extras: Object.fromEntries(asked) }),
    ...(output === undefined ? {} : { output: format }),
    ...(tools === undefined
      ? {}
      : { tools: tools.map((tool) => ({ ...tool, strict: tool.strict ?? false })) }),
    messages: request.messages.map(plain),
  }
}

function plain(message: Message): Message {
  const content = message.content.map((part) =>
    part.type === 'image' ? { ...part, detail: part.detail ?? 'auto' } : part,
  )
  return { ...message, content }
}

/**
 * What an answer says, as far as both dialects can say it: chat completions show thoughts unsigned and have one word for
 * a refusal and a filter; Anthropic refuses in plain text, which responses tell as a filter.
 */
function words(answer: GenerateAnswer, ...by: Spoken[]): object {
  const [choice] = answer.choices
  const isChat = by.includes('openai-chat')
  const isClaude = by.includes('anthropic')
  const content = (choice?.content ?? []).map((part) => {
    if (part.type === 'refusal') return isClaude ? { type: 'text', text: part.text } : part
    if (part.type !== 'reasoning') return part
    const { signature, ...shown } = part
    return isChat ? shown : { ...shown, signature }
  })
  const { cacheRead, input, output } = answer.usage
  const isFiltered = isChat || (isClaude && by.includes('openai-responses'))
  const isRefused = choice?.finishReason === 'refusal'
  const reason = isRefused && isFiltered ? 'content-filter' : choice?.finishReason
  return { content, reason, input, cacheRead, output }
}
