/** Embeddings and orders of documents, from every provider whose form of them is its own. */
import { describe, expect, test } from 'vitest'
import { type EmbedAnswer, type EmbedRequest, NO_USAGE, type RerankRequest } from '../contracts/index.ts'
import type { JsonObject, PlainProvider } from './dialect.ts'
import {
  bedrockEmbeddings,
  bedrockRerank,
  cohereEmbeddings,
  cohereRerank,
  converseTokenCount,
  embeddingsSurface,
  geminiEmbeddings,
  geminiTokenCount,
  UnsupportedFeature,
  UpstreamBroken,
  vertexEmbeddings,
  vertexTokenCount,
} from './index.ts'
import { sampleContext } from './testing/dialect.conformance.ts'

type Embeddings = PlainProvider<EmbedRequest, EmbedAnswer>
const titan = bedrockEmbeddings('amazon.titan-embed-text-v2:0') as Embeddings
const bedrockCohere = bedrockEmbeddings('eu.cohere.embed-v4:0') as Embeddings
const read = (provider: Embeddings, body: unknown, request: EmbedRequest) =>
  provider.readAnswer(body, request)

interface Row {
  readonly name: string
  readonly provider: Embeddings
  readonly written: readonly (readonly [EmbedRequest, JsonObject])[]
  readonly inputs: string[]
  readonly whole: (vectors: readonly (readonly number[])[]) => JsonObject
  readonly input: number | null
  readonly refused: readonly (readonly [Partial<EmbedRequest>, string])[]
  readonly errorInside: JsonObject
}

const rows: readonly Row[] = [
  {
    name: 'Cohere',
    provider: cohereEmbeddings,
    written: [
      [
        { inputs: ['a', 'b'], dimensions: 256, encoding: 'base64', extras: { truncate: 'END' } },
        {
          model: 'm',
          input_type: 'search_document',
          texts: ['a', 'b'],
          output_dimension: 256,
          truncate: 'END',
          embedding_types: ['float'],
        },
      ],
      [
        { inputs: ['a'], purpose: 'query' },
        { model: 'm', input_type: 'search_query', texts: ['a'], embedding_types: ['float'] },
      ],
    ],
    inputs: ['a', 'b'],
    whole: (float) => ({
      id: 'e1',
      embeddings: { float },
      texts: ['a', 'b'],
      meta: { billed_units: { input_tokens: 4 } },
    }),
    input: 4,
    refused: [
      [{ user: 'u' }, 'user'],
      [{ purpose: 'poetry' }, 'purpose'],
      [{ extras: { x: 1 } }, 'extras.x'],
    ],
    errorInside: { message: 'no' },
  },
  {
    name: 'Gemini',
    provider: geminiEmbeddings,
    written: [
      [
        { inputs: ['a', 'b'], dimensions: 256, purpose: 'search_query' },
        {
          requests: ['a', 'b'].map((text) => ({
            model: 'models/m',
            content: { parts: [{ text }] },
            taskType: 'RETRIEVAL_QUERY',
            outputDimensionality: 256,
          })),
        },
      ],
      [{ inputs: ['a'] }, { requests: [{ model: 'models/m', content: { parts: [{ text: 'a' }] } }] }],
    ],
    inputs: ['a', 'b'],
    whole: (vectors) => ({
      embeddings: vectors.map((values) => ({ values })),
      usageMetadata: { promptTokenCount: 4 },
    }),
    input: 4,
    refused: [
      [{ user: 'u' }, 'user'],
      [{ purpose: 'poetry' }, 'purpose'],
      [{ extras: { truncate: 'END' } }, 'extras.truncate'],
    ],
    errorInside: { error: { code: 503, message: 'no', status: 'UNAVAILABLE' } },
  },
  {
    name: 'Vertex',
    provider: vertexEmbeddings,
    written: [
      [
        {
          inputs: ['a', 'b'],
          dimensions: 256,
          purpose: 'CLUSTERING',
          extras: { autoTruncate: false, title: 't' },
        },
        {
          instances: ['a', 'b'].map((content) => ({ content, task_type: 'CLUSTERING', title: 't' })),
          parameters: { autoTruncate: false, outputDimensionality: 256 },
        },
      ],
      [{ inputs: ['a'] }, { instances: [{ content: 'a' }] }],
    ],
    inputs: ['a', 'b'],
    whole: (vectors) => ({
      predictions: vectors.map((values) => ({
        embeddings: { values, statistics: { token_count: 2, truncated: false } },
      })),
    }),
    input: 4,
    refused: [
      [{ user: 'u' }, 'user'],
      [{ purpose: 'poetry' }, 'purpose'],
      [{ extras: { truncate: 'END' } }, 'extras.truncate'],
    ],
    errorInside: { error: { code: 503, message: 'no', status: 'UNAVAILABLE' } },
  },
  {
    name: 'Titan on Bedrock',
    provider: titan,
    written: [
      [
        { inputs: ['a'], dimensions: 256, extras: { normalize: false } },
        { inputText: 'a', dimensions: 256, normalize: false },
      ],
    ],
    inputs: ['a'],
    whole: ([embedding]) => ({ embedding, inputTextTokenCount: 4 }),
    input: 4,
    refused: [
      [{ user: 'u' }, 'user'],
      [{ purpose: 'query' }, 'purpose'],
      [{ inputs: ['a', 'b'] }, 'inputs'],
      [{ extras: { truncate: 'END' } }, 'extras.truncate'],
    ],
    errorInside: { message: 'no', __type: 'ThrottlingException' },
  },
  {
    name: 'Cohere on Bedrock',
    provider: bedrockCohere,
    written: [
      [
        { inputs: ['a', 'b'], purpose: 'classification' },
        { input_type: 'classification', texts: ['a', 'b'], embedding_types: ['float'] },
      ],
    ],
    inputs: ['a', 'b'],
    whole: (float) => ({ embeddings: { float }, response_type: 'embeddings_by_type', id: 'e1' }),
    input: null,
    refused: [[{ user: 'u' }, 'user']],
    errorInside: { message: 'no', __type: 'ThrottlingException' },
  },
]

describe.each(rows)(
  'embeddings of $name',
  ({ errorInside, input, inputs, provider, refused, whole, written }) => {
    const vectors = inputs.map((_, index) => [0.5, index])
    const usage = input === null ? NO_USAGE : { ...NO_USAGE, input, output: 0 }

    test.each(written)('writes %j', (request, body) => {
      expect(provider.writeRequest(request, 'm')).toEqual(body)
    })

    test.each<readonly [Partial<EmbedRequest>, string]>([...refused, [{ inputs: [[1, 2]] }, 'inputs']])(
      'refuses %j by name',
      (wish, feature) => {
        const writing = () => provider.writeRequest({ inputs, ...wish }, 'm')
        expect(writing).toThrow(UnsupportedFeature)
        expect(writing).toThrow(expect.objectContaining({ feature }))
      },
    )

    test('reads the vectors in the order of the inputs, as numbers or as base64', () => {
      expect(read(provider, whole(vectors), { inputs })).toEqual({ vectors, usage })
      const { vectors: texts } = read(provider, whole(vectors), { inputs, encoding: 'base64' })
      // 0.5 as float32 is 0x3f000000.
      expect(texts[0]).toBe('AAAAPwAAAAA=')
      expect(
        texts.map((text) => [
          ...new Float32Array(new Uint8Array(Buffer.from(text as string, 'base64')).buffer),
        ]),
      ).toEqual(vectors)
    })

    test('takes nothing else for an answer', () => {
      for (const body of [null, 3, {}, whole([]), whole([['a' as never], [1]]), errorInside])
        expect(() => read(provider, body, { inputs })).toThrow(UpstreamBroken)
      expect(() =>
        read(provider, whole([...vectors, ...vectors]), { inputs: [...inputs, 'more', 'c', 'd'] }),
      ).toThrow(UpstreamBroken)
    })
  },
)

test('what is told of the purpose is told by its name here', () => {
  expect(embeddingsSurface.fieldOf('purpose')).toBe('input_type')
  expect(embeddingsSurface.writeAnswer({ vectors: [[1]], usage: NO_USAGE }, sampleContext)).toMatchObject({
    data: [{ embedding: [1] }],
  })
})

test('models whose bodies are not known are not guessed at', () => {
  expect(bedrockEmbeddings('amazon.nova-pro-v1:0')).toBeUndefined()
  expect(bedrockRerank('amazon.rerank-v1:0')).toBeUndefined()
})

describe.each([
  ['Cohere', cohereRerank, { model: 'm' }, { ...NO_USAGE, input: 0, output: 0, providerToolCalls: 1 }],
  [
    'Cohere on Bedrock',
    bedrockRerank('cohere.rerank-v3-5:0') as typeof cohereRerank,
    { api_version: 2 },
    NO_USAGE,
  ],
] as const)('rerank of %s', (_, provider, besides, usage) => {
  const request: RerankRequest = { query: 'q', documents: ['a', 'b'], top: 2 }
  const answer = {
    results: [
      { index: 0, relevance_score: 0.1 },
      { index: 1, relevance_score: 0.9 },
    ],
    meta: { billed_units: { search_units: 1 } },
  }

  test('writes what is asked and reads the best first; documents are those that were sent', () => {
    expect(provider.writeRequest({ ...request, extras: { max_tokens_per_doc: 9 } }, 'm')).toEqual({
      ...besides,
      query: 'q',
      documents: ['a', 'b'],
      top_n: 2,
      max_tokens_per_doc: 9,
    })
    expect(provider.readAnswer(answer, request)).toEqual({
      results: [
        { index: 1, score: 0.9 },
        { index: 0, score: 0.1 },
      ],
      usage,
    })
    expect(provider.readAnswer(answer, { ...request, withDocuments: true }).results).toEqual([
      { index: 1, score: 0.9, document: 'b' },
      { index: 0, score: 0.1, document: 'a' },
    ])
  })

  test('refuses by name, and takes nothing else for an answer', () => {
    expect(() => provider.writeRequest({ ...request, extras: { x: 1 } }, 'm')).toThrow(
      expect.objectContaining({ feature: 'extras.x' }),
    )
    for (const body of [
      null,
      {},
      { message: 'no' },
      { results: [] },
      { results: [{ index: 2, relevance_score: 1 }] },
      { results: [{ index: 0 }] },
    ])
      expect(() => provider.readAnswer(body, request)).toThrow(UpstreamBroken)
  })
})

test.each([
  [
    'Gemini',
    geminiTokenCount,
    { totalTokens: 7 },
    {
      generateContentRequest: {
        model: 'models/m',
        contents: [{ role: 'user', parts: [{ text: 'Hello' }] }],
        generationConfig: { temperature: 0 },
      },
    },
  ],
  [
    'Vertex',
    vertexTokenCount,
    { totalTokens: 7 },
    { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }], generationConfig: { temperature: 0 } },
  ],
  [
    'Bedrock',
    converseTokenCount,
    { inputTokens: 7 },
    { input: { converse: { messages: [{ role: 'user', content: [{ text: 'Hello' }] }] } } },
  ],
])('%s counts the tokens of a question', (_, provider, answer, body) => {
  const asked = {
    messages: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hello' }] }],
    temperature: 0,
  }
  expect(JSON.parse(JSON.stringify(provider.writeRequest(asked, 'm')))).toEqual(body)
  expect(provider.readAnswer(answer)).toEqual({ input_tokens: 7 })
  expect(() => provider.readAnswer({})).toThrow(UpstreamBroken)
})
