import type { GenerateEvent, GenerateRequest, TokenUsage } from '../../contracts/index.ts'
import { type JsonObject, type ProviderDialect, UpstreamBroken } from '../../dialects/index.ts'
import type { Ask } from './target.ts'
import { type AnswerReader, type Findings, type Wire, wholeReader } from './wire.ts'

export interface TextWireOptions {
  readonly dialect: ProviderDialect
  readonly path: string
  readonly model: string
  readonly stream: boolean
  readonly headers: Readonly<Record<string, string>>
  /** Fields of the dialect that make the length exact where the engine has them (`ignore_eos`, `min_tokens`). */
  readonly extras?: (outputTokens: number) => JsonObject
  /** A version of a Slipway model. */
  readonly version?: string | undefined
}

/** A target of text, by the same codec that the gateway reads providers with. */
export function textWire(options: TextWireOptions): Wire {
  const { dialect, stream } = options
  return {
    streams: stream,
    path: options.path,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...options.headers },
    body: (ask) => JSON.stringify(bodyOf(ask, options)),
    reader: (findings) => (stream ? streamReader(dialect, findings) : answerReader(dialect, findings)),
  }
}

function bodyOf(ask: Ask, options: TextWireOptions): JsonObject {
  const { dialect, stream } = options
  const request: GenerateRequest = {
    messages: ask.turns.map(({ role, text }) => ({ role, content: [{ type: 'text' as const, text }] })),
    maxOutputTokens: ask.outputTokens,
    stream,
    ...(stream ? { includeUsage: true } : {}),
    ...(options.extras === undefined ? {} : { extras: options.extras(ask.outputTokens) }),
  }
  const written = dialect.writeRequest(request, options.model)
  return options.version === undefined ? written : { ...written, params: { version: options.version } }
}

function streamReader(dialect: ProviderDialect, findings: Findings): AnswerReader {
  return dialect.streamReader((event) => takeEvent(event, findings))
}

const CONTENT = new Set<GenerateEvent['type']>([
  'text',
  'reasoning',
  'refusal',
  'tool-call-started',
  'tool-call-arguments',
])

function takeEvent(event: GenerateEvent, findings: Findings): void {
  if (CONTENT.has(event.type)) {
    if (!('text' in event) || event.text !== '') findings.content()
  } else if (event.type === 'started') {
    if (event.providerModel !== undefined) findings.answeredBy(event.providerModel)
  } else if (event.type === 'usage') {
    findings.usage(promptTokens(event.usage), event.usage.output)
  } else if (event.type === 'failed') {
    findings.failed(event.code === 'upstream_truncated' ? 'truncated' : 'garbage', event.detail)
  }
}

function answerReader(dialect: ProviderDialect, findings: Findings): AnswerReader {
  return wholeReader(findings, (body) => {
    try {
      const answer = dialect.readAnswer(JSON.parse(body.toString('utf8')))
      findings.content()
      findings.usage(promptTokens(answer.usage), answer.usage.output)
      if (answer.providerModel !== undefined) findings.answeredBy(answer.providerModel)
    } catch (error) {
      const why = error instanceof UpstreamBroken ? error.message : 'its answer is not JSON of the form'
      findings.failed('garbage', why)
    }
  })
}

/** All that the model reads, from a cache or not. */
function promptTokens(usage: TokenUsage): number | null {
  const { input, cacheRead, cacheWrite, cacheWriteHour } = usage
  return input === null ? null : input + (cacheRead ?? 0) + (cacheWrite ?? 0) + (cacheWriteHour ?? 0)
}
