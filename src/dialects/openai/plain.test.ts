import { describe, expect, test } from 'vitest'
import { embedRequest, NO_USAGE, rerankRequest } from '../../contracts/index.ts'
import {
  embeddingsProvider,
  embeddingsSurface,
  type JsonObject,
  moderationsProvider,
  moderationsSurface,
  rerankProvider,
  rerankSurface,
  UpstreamBroken,
} from '../index.ts'
import { sampleContext } from '../testing/dialect.conformance.ts'

const refusal = (pointer: string) => expect.objectContaining({ code: 'invalid_request', pointer })

describe('embeddings', () => {
  test.each<[string, JsonObject, object]>([
    ['a text', { model: 'm', input: 'a' }, { inputs: ['a'] }],
    ['texts', { input: ['a', 'b'], encoding_format: 'base64' }, { inputs: ['a', 'b'], encoding: 'base64' }],
    ['token ids', { input: [1, 2] }, { inputs: [[1, 2]] }],
    ['lists of token ids', { input: [[1], [2, 3]], dimensions: 8 }, { inputs: [[1], [2, 3]], dimensions: 8 }],
    [
      'more',
      { input: 'a', user: 'u', input_type: 'query', truncate: 'END', dimensions: null },
      { inputs: ['a'], user: 'u', purpose: 'query', extras: { truncate: 'END' } },
    ],
  ])('reads %s, and writes it as it was', (_, body, request) => {
    const read = embeddingsSurface.readRequest(body)
    expect(read).toEqual(request)
    expect(embedRequest.parse(read)).toEqual(request)
    expect(embeddingsSurface.readRequest(embeddingsProvider.writeRequest(read, 'm'))).toEqual(request)
  })

  test.each<[JsonObject, string]>([
    [{}, '/input'],
    [{ input: [] }, '/input'],
    [{ input: ['a', 1] }, '/input/1'],
    [{ input: [[1], 'a'] }, '/input/1'],
    [{ input: 'a', dimensions: 0 }, '/dimensions'],
    [{ input: 'a', encoding_format: 'int8' }, '/encoding_format'],
  ])('refuses %j', (body, pointer) => {
    expect(() => embeddingsSurface.readRequest(body)).toThrow(refusal(pointer))
  })

  test('an answer in another order is put in the order of the inputs', () => {
    const answer = embeddingsProvider.readAnswer(
      {
        model: 'e',
        data: [
          { index: 1, embedding: 'AACAPw==' },
          { index: 0, embedding: [0.5] },
        ],
        usage: { prompt_tokens: 8, total_tokens: 8, prompt_tokens_details: { cached_tokens: 3 } },
      },
      { inputs: ['a', 'b'] },
    )
    expect(answer).toEqual({
      providerModel: 'e',
      vectors: [[0.5], 'AACAPw=='],
      usage: { ...NO_USAGE, input: 5, cacheRead: 3, output: 0 },
    })
    expect(embeddingsSurface.writeAnswer(answer, sampleContext)).toEqual({
      object: 'list',
      model: 'a-model',
      data: [
        { object: 'embedding', index: 0, embedding: [0.5] },
        { object: 'embedding', index: 1, embedding: 'AACAPw==' },
      ],
      usage: { prompt_tokens: 8, total_tokens: 8 },
    })
  })

  test.each([
    [null],
    [{}],
    [{ data: [] }],
    [{ data: [{ index: 0 }] }],
    [{ data: [{ index: 1, embedding: [1] }] }],
    [
      {
        data: [
          { index: 0, embedding: [1] },
          { index: 0, embedding: [1] },
        ],
      },
    ],
    [{ data: [{ index: 0, embedding: ['a'] }] }],
    [{ error: { message: 'x' } }],
  ])('%j is no answer', (body) =>
    expect(() => embeddingsProvider.readAnswer(body, { inputs: ['a'] })).toThrow(UpstreamBroken),
  )

  test('a usage nobody told is not written as zero', () => {
    expect(embeddingsSurface.writeAnswer({ vectors: [], usage: NO_USAGE }, sampleContext)).not.toHaveProperty(
      'usage',
    )
  })

  test('glances at what is read', () => {
    expect(embeddingsSurface.glance({ model: 'e', input: ['ab', 'c'], stream: true })).toMatchObject({
      model: 'e',
      stream: false,
      promptCharacters: 3,
      maxOutputTokens: 0,
    })
    expect(embeddingsSurface.fieldOf('inputs')).toBe('input')
    expect(embeddingsSurface.fieldOf('extras.truncate')).toBe('truncate')
  })
})

describe('rerank', () => {
  const body = {
    model: 'r',
    query: 'q',
    documents: ['a', { text: 'b' }],
    top_n: 1,
    return_documents: true,
    rank_fields: ['x'],
  }
  const request = {
    query: 'q',
    documents: ['a', 'b'],
    top: 1,
    withDocuments: true,
    extras: { rank_fields: ['x'] },
  }

  test('reads, and writes as it was', () => {
    const read = rerankSurface.readRequest(body)
    expect(rerankRequest.parse(read)).toEqual(request)
    expect(rerankProvider.writeRequest(read, 'm')).toEqual({ ...body, model: 'm', documents: ['a', 'b'] })
    expect(rerankSurface.fieldOf('top')).toBe('top_n')
    expect(rerankSurface.glance(body).promptCharacters).toBeGreaterThanOrEqual(3)
  })

  test.each<[JsonObject, string]>([
    [{ documents: ['a'] }, '/query'],
    [{ query: 'q' }, '/documents'],
    [{ query: 'q', documents: [] }, '/documents'],
    [{ query: 'q', documents: ['a', {}] }, '/documents/1/text'],
    [{ query: 'q', documents: ['a'], top_n: 0 }, '/top_n'],
  ])('refuses %j', (wrong, pointer) =>
    expect(() => rerankSurface.readRequest(wrong)).toThrow(refusal(pointer)),
  )

  const results = [
    { index: 0, relevance_score: 0.1, document: { text: 'a' } },
    { index: 1, relevance_score: 0.9 },
  ]
  test.each<[string, JsonObject, object]>([
    ['Jina', { results, usage: { total_tokens: 7 } }, { ...NO_USAGE, input: 7, output: 0 }],
    ['Cohere', { results, meta: { tokens: { input_tokens: 7 } } }, { ...NO_USAGE, input: 7, output: 0 }],
    ['TEI', { data: results.map(({ relevance_score: score, ...rest }) => ({ ...rest, score })) }, NO_USAGE],
  ])('reads answers as %s has them, best first', (_, told, usage) => {
    const answer = rerankProvider.readAnswer({ model: 'r', ...told }, request)
    expect(answer).toEqual({
      providerModel: 'r',
      results: [
        { index: 1, score: 0.9 },
        { index: 0, score: 0.1, document: 'a' },
      ],
      usage,
    })
    expect(rerankSurface.writeAnswer(answer, sampleContext)).toMatchObject({
      id: 'req-1',
      model: 'a-model',
      results: [
        { index: 1, relevance_score: 0.9 },
        { index: 0, document: { text: 'a' } },
      ],
    })
  })

  test.each([[null], [{}], [{ results: [{ index: 0 }] }], [{ error: 'x' }]])('%j is no answer', (told) =>
    expect(() => rerankProvider.readAnswer(told, request)).toThrow(UpstreamBroken),
  )
})

describe('moderations', () => {
  test('go through as they are, but for the name of the model', () => {
    const body = { model: 'm', input: ['a', { type: 'text', text: 'b' }], x: 1, params: { version: 'v1' } }
    const read = moderationsSurface.readRequest(body)
    expect(moderationsProvider.writeRequest(read, 'omni')).toEqual({ model: 'omni', input: body.input, x: 1 })
    const answer = moderationsProvider.readAnswer(
      {
        id: 'modr-1',
        model: 'omni',
        results: [{ flagged: false }],
      },
      {},
    )
    expect(moderationsSurface.writeAnswer(answer, sampleContext)).toEqual({
      id: 'modr-1',
      model: 'a-model',
      results: [{ flagged: false }],
    })
    expect(() => moderationsSurface.readRequest({ model: 'm' })).toThrow(refusal('/input'))
    expect(() => moderationsProvider.readAnswer({ error: { message: 'x' } }, {})).toThrow(UpstreamBroken)
    expect(moderationsSurface.glance(body)).toMatchObject({ stream: false, model: 'm' })
    expect(moderationsSurface.fieldOf('x')).toBe('x')
  })
})
