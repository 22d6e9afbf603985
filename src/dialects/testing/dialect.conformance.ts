import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import {
  type FinishReason,
  type GenerateAnswer,
  type GenerateEvent,
  type GenerateRequest,
  generateAnswer,
  generateEvent,
  generateRequest,
} from '../../contracts/index.ts'
import { isSlipwayError } from '../../kernel/index.ts'
import { collect } from '../collect.ts'
import {
  type AnswerContext,
  type JsonObject,
  type ProblemClass,
  type ProviderDialect,
  type SurfaceDialect,
  UnsupportedFeature,
  UpstreamBroken,
} from '../dialect.ts'
import { EventSplitter } from '../sse/event-splitter.ts'
import { anyAnswer, anyCuts, anyRequest, chunksOf, eventsOf } from './arbitraries.ts'
import {
  type AnswerFeature,
  allRequestFeatures,
  isNamedBy,
  type RequestFeature,
  requestFeatures,
} from './features.ts'

/** One answer of a provider, both ways, as its public reference shows it. */
export interface AnswerFixture {
  readonly name: string
  readonly whole: unknown
  readonly stream: string | Buffer
  /** Bytes of the stream before its terminal marker begins; left out: where its last event begins. */
  readonly terminalFrom?: number
  readonly answer: GenerateAnswer
}

export interface ProviderSample {
  readonly dialect: ProviderDialect
  readonly requests: readonly RequestFeature[]
  readonly answers: readonly AnswerFixture[]
  /** What the neutral request is on the wire. */
  readonly written: readonly (readonly [name: string, request: GenerateRequest, body: JsonObject])[]
  readonly problems: readonly (readonly [
    name: string,
    status: number,
    body: string,
    expected: { class: ProblemClass; code?: string },
  ])[]
  /** Errors inside a 200. The code is the `failed` event's. */
  readonly errorsInside: readonly {
    readonly name: string
    readonly whole?: unknown
    readonly stream: string | Buffer
    readonly class: ProblemClass
    readonly code: string
  }[]
  /** An event that never ends; left out: a `data:` line. */
  readonly oversized?: Buffer
  /** The field that extras are written in; left out: each is a field itself. */
  readonly extrasAt?: string
}

/** Holds a provider's dialect to what `ProviderDialect` and `StreamReader` promise. */
export function conformsToProviderDialect(kind: string, sample: ProviderSample): void {
  const { dialect } = sample

  describe(`${kind} as a provider's dialect`, () => {
    describe('what it can say is written, what it cannot throws UnsupportedFeature naming it', () => {
      test.each(allRequestFeatures)('%s', (feature) => {
        const request: GenerateRequest = requestFeatures[feature]
        const writing = () => dialect.writeRequest(request, 'a-model')
        if (sample.requests.includes(feature)) {
          expect(JSON.parse(JSON.stringify(writing()))).toEqual(writing())
          return
        }
        const error = thrown(writing)
        expect(error).toBeInstanceOf(UnsupportedFeature)
        const { dialect: name, feature: named } = error as UnsupportedFeature
        expect(name).toBe(dialect.name)
        expect(isNamedBy(feature, named), `${named} for ${feature}`).toBe(true)
      })

      test('an extra of nobody', () => {
        const request = { ...requestFeatures.maxOutputTokens, extras: { 'x-of-nobody': 1 } }
        const written = attempt(() => dialect.writeRequest(request, 'a-model'))
        // Written as it is where extras of its own dialect may be anything, else refused by name.
        if (written instanceof UnsupportedFeature) expect(written.feature).toBe('extras.x-of-nobody')
        else if (sample.extrasAt === undefined) expect(written).toMatchObject({ 'x-of-nobody': 1 })
        else expect(written).toMatchObject({ [sample.extrasAt]: { 'x-of-nobody': 1 } })
      })
    })

    test.each(sample.written)('writes %s', (_, request, body) => {
      expect(generateRequest.parse(request)).toEqual(request)
      expect(dialect.writeRequest(request, 'a-model')).toEqual(body)
    })

    describe('the same fixture, streamed and not streamed, yields the same', () => {
      test.each(sample.answers.map((fixture) => [fixture.name, fixture] as const))('%s', (_, fixture) => {
        const whole = dialect.readAnswer(fixture.whole)
        expect(generateAnswer.parse(whole)).toEqual(whole)
        expect(whole).toEqual(fixture.answer)
        const events = read(dialect, [bytesOf(fixture.stream)])
        expect(collect(events, whole.createdAt)).toEqual(streamed(whole))
      })
    })

    describe('any split of the same bytes gives the same events, and one terminal event, last', () => {
      for (const { name, stream } of sample.answers)
        property.prop([anyCuts])(name, (cuts) => {
          const bytes = bytesOf(stream)
          const events = read(dialect, [bytes])
          for (const event of events) expect(generateEvent.parse(event)).toEqual(event)
          expect(read(dialect, chunksOf(bytes, cuts))).toEqual(events)
          expect(terminals(events)).toEqual([{ type: 'ended' }])
          expect(events.at(-1)).toEqual({ type: 'ended' })
          expect(events[0]?.type).toBe('started')
        })
    })

    describe('end of input without the terminal marker is upstream_truncated', () => {
      for (const { name, stream, terminalFrom } of sample.answers)
        property.prop([fc.double({ min: 0, max: 1, noNaN: true }), anyCuts])(name, (share, cuts) => {
          const bytes = bytesOf(stream)
          const before = terminalFrom ?? lastEventFrom(bytes)
          const events = read(dialect, chunksOf(bytes.subarray(0, Math.floor(share * before)), cuts))
          expect(terminals(events)).toEqual([
            expect.objectContaining({ type: 'failed', code: 'upstream_truncated' }),
          ])
          expect(events.at(-1)?.type).toBe('failed')
        })

      test('an empty stream', () => {
        expect(read(dialect, [])).toEqual([
          expect.objectContaining({ type: 'failed', code: 'upstream_truncated' }),
        ])
      })
    })

    test('nothing is emitted after the terminal event', () => {
      const bytes = bytesOf((sample.answers[0] as AnswerFixture).stream)
      expect(read(dialect, [bytes, bytes])).toEqual(read(dialect, [bytes]))
    })

    describe('a 200 with an error inside is an error', () => {
      test.each(sample.errorsInside.map((one) => [one.name, one] as const))('%s', (_, one) => {
        const events = read(dialect, [bytesOf(one.stream)])
        expect(terminals(events)).toEqual([expect.objectContaining({ type: 'failed', code: one.code })])
        expect(events.at(-1)?.type).toBe('failed')
        if (one.whole === undefined) return
        const error = thrown(() => dialect.readAnswer(one.whole))
        expect(error).toBeInstanceOf(UpstreamBroken)
        expect((error as UpstreamBroken).problem.class).toBe(one.class)
      })
    })

    test('an event larger than the limit is upstream_failed', () => {
      const oversized = sample.oversized ?? Buffer.from(`data: ${'x'.repeat(2 * 1024 * 1024)}`)
      expect(terminals(read(dialect, chunksOf(oversized, [1000, 100_000])))).toEqual([
        expect.objectContaining({ type: 'failed', code: 'upstream_failed' }),
      ])
    })

    test.each([[null], [[]], ['text'], [3], [{}]])('%j is no answer', (body) => {
      expect(thrown(() => dialect.readAnswer(body))).toBeInstanceOf(UpstreamBroken)
    })

    test.each(sample.problems)('reads the error: %s', (_, status, body, expected) => {
      const problem = dialect.readError(status, Buffer.from(body))
      expect(problem).toMatchObject({ ...expected, status })
      expect(problem.detail.length).toBeLessThanOrEqual(500)
    })

    property.prop([fc.integer({ min: 300, max: 599 }), fc.oneof(fc.string(), fc.json())])(
      'any error body is read without throwing, bounded',
      (status, body) => {
        const problem = dialect.readError(status, Buffer.from(body))
        expect(problem.status).toBe(status)
        expect(problem.detail).not.toBe('')
        expect(problem.detail.length).toBeLessThanOrEqual(500)
      },
    )

    test('no secret of an error body is told on', () => {
      const words =
        'Incorrect API key provided: sk-abcdefghijklmnop123456. Authorization: Bearer abcdef0123456789'
      for (const body of [
        words,
        JSON.stringify({ error: { message: words } }),
        JSON.stringify({ message: words }),
      ]) {
        const { detail } = dialect.readError(401, Buffer.from(body))
        expect(detail).not.toContain('abcdefghijklmnop')
        expect(detail).not.toContain('abcdef0123456789')
      }
    })
  })
}

export interface SurfaceSample {
  readonly dialect: SurfaceDialect
  /** The least that is a request. */
  readonly minimal: JsonObject
  readonly requests: readonly (readonly [name: string, body: JsonObject, request: GenerateRequest])[]
  readonly invalid: readonly (readonly [name: string, body: JsonObject, pointer: string])[]
  /** The dialect's end of a stream that went well. */
  readonly successMarker: RegExp
  /** Where the error's words stand in its body. */
  readonly errorWords: (body: JsonObject) => unknown
  /** Field names by feature, for errors. */
  readonly fields: readonly (readonly [feature: string, field: string])[]
  /** Why unknown fields are refused where they stand, and not kept; left out: they are kept. */
  readonly refusesUnknown?: string
}

export const sampleContext: AnswerContext = {
  requestId: 'req-1',
  model: 'a-model',
  createdAtMs: 1_700_000_000_000,
  includeUsage: true,
}

/** Holds a surface's dialect to what `SurfaceDialect` and `StreamWriter` promise. */
export function conformsToSurfaceDialect(kind: string, sample: SurfaceSample): void {
  const { dialect, minimal } = sample

  describe(`${kind} as a surface's dialect`, () => {
    test.each(sample.requests)('reads %s', (_, body, request) => {
      const asked = dialect.readRequest(body)
      expect(asked).toEqual(request)
      expect(generateRequest.parse(asked)).toEqual(request)
    })

    test.each(sample.invalid)('refuses %s', (_, body, pointer) => {
      const error = thrown(() => dialect.readRequest(body))
      expect(isSlipwayError(error) && error.code).toBe('invalid_request')
      expect(isSlipwayError(error) && error.pointer).toBe(pointer)
    })

    property.prop([
      fc.dictionary(fc.constantFrom(...Object.keys(minimal), 'tools', 'stop', 'stream'), fc.jsonValue()),
    ])(
      'a body of any form is read or refused by a pointer into it, and glanced at without throwing',
      (fields) => {
        const body = { ...minimal, ...fields } as JsonObject
        dialect.glance(body)
        const read = attempt(() => dialect.readRequest(body))
        if (read instanceof Error) expect(isSlipwayError(read) && read.code).toBe('invalid_request')
        else expect(generateRequest.safeParse(read).success).toBe(true)
      },
    )

    test('unknown fields are kept by their name, or refused', () => {
      const body = { ...minimal, x_vendor: { deep: [1, null] }, other: false }
      if (sample.refusesUnknown !== undefined) {
        expect(thrown(() => dialect.readRequest(body))).toMatchObject({
          code: 'invalid_request',
          pointer: '',
        })
        return
      }
      expect(dialect.readRequest(body).extras).toMatchObject({ x_vendor: { deep: [1, null] }, other: false })
    })

    test.each(sample.fields)('%s is its %s', (feature, field) => expect(dialect.fieldOf(feature)).toBe(field))

    test.each([
      [400, 'invalid_request'],
      [401, 'unauthenticated'],
      [404, 'unknown_model'],
      [429, 'limit_reached'],
      [500, 'internal'],
      [503, 'overloaded'],
    ])('tells an error of status %d', (status, code) => {
      const body = dialect.writeError({
        code,
        status,
        title: 'It did not go well.',
        hint: 'Try it otherwise.',
        pointer: '/temperature',
        requestId: 'req-1',
      })
      expect(sample.errorWords(body)).toContain('It did not go well.')
      expect(JSON.parse(JSON.stringify(body))).toEqual(body)
    })

    const anyEvents = fc
      .tuple(anyAnswer(['tool-calls', 'providerModel'], ['stop', 'length']), fc.integer({ min: 1, max: 9 }))
      .map(([answer, length]) => eventsOf(answer, length))

    property.prop([anyEvents])(
      'every event is whole and ends with a blank line; the terminal marker is out once, last',
      (events) => {
        const writer = dialect.streamWriter(sampleContext)
        const written = events.map((event) => writer.write(event))
        for (const one of written) expect(isWholeEvents(one)).toBe(true)
        expect(written.join('').match(new RegExp(sample.successMarker, 'g'))).toHaveLength(1)
        expect(written.at(-1)).toMatch(sample.successMarker)
        expect(writer.write({ type: 'text', choice: 0, text: 'more' })).toBe('')
        expect(writer.write({ type: 'ended' })).toBe('')
      },
    )

    property.prop([anyEvents, fc.nat()])(
      'an error after content is one typed event; then nothing, and no success marker',
      (events, place) => {
        const writer = dialect.streamWriter(sampleContext)
        const before = events.slice(0, place % events.length)
        const failed: GenerateEvent = {
          type: 'failed',
          code: 'upstream_truncated',
          detail: 'It broke off.',
          status: 502,
        }
        const told = [...before, failed].map((event) => writer.write(event))
        expect(told.at(-1)).toContain('It broke off.')
        expect(isWholeEvents(told.at(-1) as string)).toBe(true)
        const after = [...events, failed].map((event) => writer.write(event))
        expect(after.join('')).toBe('')
        expect(told.join('')).not.toMatch(sample.successMarker)
      },
    )
  })
}

export interface PairSample {
  readonly surface: SurfaceDialect
  readonly provider: ProviderDialect
  readonly requests: readonly RequestFeature[]
  readonly answers: readonly AnswerFeature[]
  /** Those that come back as they went. */
  readonly finishReasons: readonly FinishReason[]
  /** It knows no conversation: a request is one message of the user. */
  readonly isOnePrompt?: boolean
  /** Two requests that are the same to this dialect come out equal; left out: only equal ones are. */
  readonly sameRequest?: (request: GenerateRequest) => GenerateRequest
  readonly sameAnswer?: (answer: GenerateAnswer) => GenerateAnswer
}

/** Where a dialect is spoken on both sides: what one side writes, the other reads as it was. */
export function dialectsAgree(kind: string, sample: PairSample): void {
  const { provider, surface } = sample
  const same = sample.sameRequest ?? ((request) => request)
  const sameAnswer = sample.sameAnswer ?? ((answer) => answer)

  describe(`${kind} on both sides`, () => {
    property.prop([anyRequest(sample.requests, sample.isOnePrompt)])(
      'a request written is read as it was',
      (request) => {
        const body = JSON.parse(JSON.stringify(provider.writeRequest(request, 'a-model')))
        expect(same(surface.readRequest(body))).toEqual(same(request))
      },
    )

    test('a field that nobody knows goes through', () => {
      const request: GenerateRequest = {
        ...requestFeatures.maxOutputTokens,
        extras: { x_vendor: { deep: [1] } },
      }
      const body = JSON.parse(JSON.stringify(provider.writeRequest(request, 'a-model')))
      expect(surface.readRequest(body).extras).toEqual({ x_vendor: { deep: [1] } })
    })

    property.prop([anyAnswer(sample.answers, sample.finishReasons)])(
      'an answer written is read as it was',
      (answer) => {
        const context = { ...sampleContext, model: answer.providerModel ?? sampleContext.model }
        const body = JSON.parse(JSON.stringify(surface.writeAnswer(answer, context)))
        expect(sameAnswer(provider.readAnswer(body))).toEqual(sameAnswer(answer))
      },
    )

    property.prop([anyAnswer(sample.answers, sample.finishReasons), fc.integer({ min: 1, max: 9 }), anyCuts])(
      'a stream written is read as it was',
      (answer, length, cuts) => {
        const context = { ...sampleContext, model: answer.providerModel ?? sampleContext.model }
        const events = eventsOf(answer, length)
        const writer = surface.streamWriter(context)
        const bytes = Buffer.from(events.map((event) => writer.write(event)).join(''))
        const back = collect(read(provider, chunksOf(bytes, cuts)), answer.createdAt)
        expect(sameAnswer(back)).toEqual(sameAnswer(collect(events, answer.createdAt)))
      },
    )

    property.prop([anyAnswer(sample.answers, sample.finishReasons), fc.nat()])(
      'a failure written is read as one, whatever came before',
      (answer, place) => {
        const events = eventsOf(answer, 3)
        const writer = surface.streamWriter(sampleContext)
        const failed: GenerateEvent = {
          type: 'failed',
          code: 'upstream_failed',
          detail: 'It broke.',
          status: 502,
        }
        const told = [...events.slice(0, place % events.length), failed]
        const bytes = Buffer.from(told.map((event) => writer.write(event)).join(''))
        const back = read(provider, [bytes])
        expect(terminals(back)).toEqual([
          expect.objectContaining({ type: 'failed', code: 'upstream_failed' }),
        ])
      },
    )
  })
}

/** What a stream does not tell of a whole answer. */
function streamed(answer: GenerateAnswer): GenerateAnswer {
  const { extras: _, ...rest } = answer
  return rest
}

function read(dialect: ProviderDialect, chunks: readonly Buffer[]): GenerateEvent[] {
  const events: GenerateEvent[] = []
  const reader = dialect.streamReader((event) => events.push(event))
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return events
}

function terminals(events: readonly GenerateEvent[]): GenerateEvent[] {
  return events.filter(({ type }) => type === 'ended' || type === 'failed')
}

function bytesOf(stream: string | Buffer): Buffer {
  return typeof stream === 'string' ? Buffer.from(stream) : stream
}

function lastEventFrom(bytes: Buffer): number {
  const lengths: number[] = []
  const splitter = new EventSplitter((event) => lengths.push(event.length))
  splitter.push(bytes)
  lengths.push(splitter.end()?.length ?? 0)
  const last = lengths.findLast((length) => length > 0) ?? 0
  return bytes.length - last
}

function isWholeEvents(text: string): boolean {
  const splitter = new EventSplitter(() => undefined)
  splitter.push(Buffer.from(text))
  return text === '' || (splitter.end() === undefined && /[^\n]\n\n$/.test(text))
}

function attempt<Value>(action: () => Value): Value | Error {
  try {
    return action()
  } catch (error) {
    return error as Error
  }
}

function thrown(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('It threw nothing.')
}
