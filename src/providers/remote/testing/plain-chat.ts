import {
  type EmbedAnswer,
  type EmbedRequest,
  type FinishReason,
  type GenerateAnswer,
  type GenerateEvent,
  NO_USAGE,
  type TokenUsage,
} from '../../../contracts/index.ts'
import {
  classOfStatus,
  type ProblemClass,
  type ProviderDialect,
  type StreamReader,
  UnsupportedFeature,
  UpstreamBroken,
  type UpstreamProblem,
} from '../../../dialects/index.ts'
import type { Found, RelayCodec, RelayOptions, RelayScanner, TextCodecs, WholeCodec } from '../codecs.ts'
import { nothingFound } from '../reading.ts'

/**
 * Chat completions with text and nothing else: enough to see what the provider does with answers, streams and errors,
 * and small enough that a failing test is not about it.
 */
export const plainChat: ProviderDialect = {
  name: 'openai-chat',
  writeRequest: ({ messages, seed, stream }, modelName) => {
    if (seed !== undefined) throw new UnsupportedFeature('seed', 'openai-chat')
    return {
      model: modelName,
      messages,
      stream,
      ...(stream ? { stream_options: { include_usage: true } } : {}),
    }
  },
  readAnswer: (body) => answerOf(body),
  streamReader: (emit) => new PlainReader(emit),
  readError,
}

export const plainRelay: RelayCodec = {
  scanner: (options) => new PlainScanner(options),
  readWhole: (body) => {
    const answer = answerOf(JSON.parse(body.toString('utf8')))
    return {
      usage: answer.usage,
      finishReason: answer.choices[0]?.finishReason ?? null,
      providerModel: answer.providerModel ?? null,
      reportedCostUsd: null,
    }
  },
  readError,
}

const plainEmbeddings: WholeCodec<EmbedRequest, EmbedAnswer> = {
  writeRequest: ({ inputs }, model) => ({ model, input: inputs }),
  readAnswer: (body) => ({
    vectors: (body as { data: { embedding: number[] }[] }).data.map(({ embedding }) => embedding),
    usage: usageOf((body as Chunk).usage),
  }),
}

export const plainCodecs: TextCodecs = {
  generation: ({ dialect }) => (dialect === 'openai-chat' ? plainChat : undefined),
  relay: (name) => (name === 'openai-chat' ? plainRelay : undefined),
  embed: () => plainEmbeddings,
  rerank: () => undefined,
  countTokens: () => undefined,
}

interface Chunk {
  readonly id?: string
  readonly model?: string
  readonly error?: { readonly message: string; readonly code: string }
  readonly usage?: Record<string, number | Record<string, number>> | null
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null }
    readonly message?: { readonly content?: string | null }
    readonly finish_reason?: string | null
  }[]
}

const CODES: Readonly<Record<string, ProblemClass>> = {
  context_length_exceeded: 'context-length',
  content_policy_violation: 'content-filter',
  insufficient_quota: 'quota',
  overloaded: 'overloaded',
  rate_limit_exceeded: 'rate-limited',
  server_error: 'error',
}

function readError(status: number, body: Buffer): UpstreamProblem {
  try {
    const { error } = JSON.parse(body.toString('utf8')) as Chunk
    return problemOf(status, error as NonNullable<Chunk['error']>)
  } catch {
    return { class: classOfStatus(status), status, detail: `it answered ${status}`, code: undefined }
  }
}

function problemOf(status: number, { code, message }: NonNullable<Chunk['error']>): UpstreamProblem {
  return { class: CODES[code] ?? classOfStatus(status), status, detail: message, code }
}

function answerOf(body: unknown): GenerateAnswer {
  const { choices = [], error, id = '', model, usage } = body as Chunk
  if (error !== undefined) throw new UpstreamBroken(problemOf(200, error))
  return {
    id,
    createdAt: 0,
    ...(model === undefined ? {} : { providerModel: model }),
    choices: choices.map(({ finish_reason, message }, index) => ({
      index,
      content: [{ type: 'text', text: message?.content ?? '' }],
      finishReason: finish_reason as FinishReason,
    })),
    usage: usageOf(usage),
  }
}

function usageOf(usage: Chunk['usage']): TokenUsage {
  if (usage === undefined || usage === null) return NO_USAGE
  const cached = (usage.prompt_tokens_details as Record<string, number> | undefined)?.cached_tokens ?? 0
  return {
    ...NO_USAGE,
    input: (usage.prompt_tokens as number) - cached,
    cacheRead: cached,
    output: usage.completion_tokens as number,
  }
}

const MAX_EVENT_BYTES = 1024 * 1024

/** Lines end as they like; an event is what stands before an empty line. */
class Events {
  #text = Buffer.alloc(0)

  /** Whole events, with their bytes. */
  take(chunk: Buffer): { bytes: Buffer; data: string }[] {
    this.#text = Buffer.concat([this.#text, chunk])
    const events: { bytes: Buffer; data: string }[] = []
    for (;;) {
      const found = /\r\n\r\n|\n\n|\r\r(?!\n)/.exec(this.#text.toString('latin1'))
      if (found === null) return events
      const to = found.index + found[0].length
      const bytes = this.#text.subarray(0, to)
      this.#text = this.#text.subarray(to)
      const lines = bytes.toString('utf8').split(/\r\n|\n|\r/)
      const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim())
      events.push({ bytes, data: data.join('\n') })
    }
  }

  get isTooLarge(): boolean {
    return this.#text.length > MAX_EVENT_BYTES
  }
}

class PlainReader implements StreamReader {
  readonly #events = new Events()
  readonly #emit: (event: GenerateEvent) => void
  #isStarted = false
  #isOver = false

  constructor(emit: (event: GenerateEvent) => void) {
    this.#emit = emit
  }

  push(chunk: Buffer): void {
    for (const { data } of this.#events.take(chunk)) if (!this.#isOver && data !== '') this.#event(data)
    if (this.#events.isTooLarge)
      this.#last({ type: 'failed', code: 'upstream_failed', detail: 'too large', status: 200 })
  }

  end(): void {
    this.#last({ type: 'failed', code: 'upstream_truncated', detail: 'no end', status: 200 })
  }

  #event(data: string): void {
    if (data === '[DONE]') {
      this.#last({ type: 'ended' })
      return
    }
    let chunk: Chunk
    try {
      chunk = JSON.parse(data) as Chunk
    } catch {
      this.#last({ type: 'failed', code: 'upstream_failed', detail: 'an event is no JSON', status: 200 })
      return
    }
    const { choices, error, id = '', model, usage } = chunk
    if (error !== undefined) {
      const problem = problemOf(200, error)
      const code = problem.class === 'overloaded' ? 'upstream_overloaded' : 'upstream_failed'
      this.#last({ type: 'failed', code, detail: problem.detail, status: 200 })
      return
    }
    if (!this.#isStarted)
      this.#emit({ type: 'started', id, ...(model === undefined ? {} : { providerModel: model }) })
    this.#isStarted = true
    const choice = choices?.[0]
    const text = choice?.delta?.content ?? ''
    if (text !== '') this.#emit({ type: 'text', choice: 0, text })
    if (typeof choice?.finish_reason === 'string')
      this.#emit({ type: 'finished', choice: 0, reason: choice.finish_reason as FinishReason })
    if (usage !== undefined && usage !== null) this.#emit({ type: 'usage', usage: usageOf(usage) })
  }

  #last(event: GenerateEvent): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#emit(event)
  }
}

class PlainScanner implements RelayScanner {
  readonly found: Found = nothingFound()
  problem: UpstreamProblem | undefined
  isTerminated = false
  readonly #events = new Events()
  readonly #options: RelayOptions

  constructor(options: RelayOptions) {
    this.#options = options
  }

  push(chunk: Buffer): void {
    for (const { bytes, data } of this.#events.take(chunk)) {
      if (this.problem !== undefined) return
      let isContent = false
      if (data === '[DONE]') this.isTerminated = true
      else {
        const { choices, error, model, usage } = JSON.parse(data) as Chunk
        if (error !== undefined) {
          this.problem = problemOf(200, error)
          return
        }
        this.found.providerModel = model ?? null
        isContent = (choices?.[0]?.delta?.content ?? '') !== ''
        if (typeof choices?.[0]?.finish_reason === 'string')
          this.found.finishReason = choices[0].finish_reason
        if (usage !== undefined && usage !== null) {
          this.found.usage = usageOf(usage)
          if (this.#options.hideUsage) continue
        }
      }
      this.#options.relayed(bytes, { hasContent: isContent, events: 1 })
    }
  }

  end(): void {}
}
