import type {
  EmbedAnswer,
  EmbedRequest,
  FinishReason,
  GenerateAnswer,
  GenerateEvent,
  GenerateRequest,
  TokenUsage,
} from '../../contracts/index.ts'
import { LinkProtocolError } from '../frame.ts'

/** How text is asked over the link: this in the header of an ask, the request as JSON in its body. */
export interface TextAsk {
  readonly kind: AskedText['kind']
  /** Events as they come; else one answer with the end. */
  readonly stream: boolean
  readonly requestId: string
}

export type AskedText =
  | { readonly kind: 'generate'; readonly request: GenerateRequest }
  | { readonly kind: 'embed'; readonly request: EmbedRequest }
  | { readonly kind: 'count-tokens'; readonly request: GenerateRequest }

export type TextAnswer = GenerateAnswer | EmbedAnswer | { readonly inputTokens: number }

/** The header of an end. Times are microseconds of the model server. */
export interface TextEnd {
  /** Undefined: it ended as it should. */
  readonly failure?: {
    readonly code: string
    readonly detail: string
    readonly field?: string
    readonly retrySafe: boolean
    readonly retryAfterMs?: number
  }
  readonly usage: TokenUsage
  readonly finishReason: FinishReason | null
  readonly queueUs: number
  readonly prefillUs: number
  readonly decodeUs: number
}

const KINDS: readonly string[] = ['generate', 'embed', 'count-tokens'] satisfies AskedText['kind'][]

/**
 * What was asked; throws `LinkProtocolError`. Gateways check requests where they come in, so that here only what would
 * break the reading is looked for.
 */
export function readAsk(
  header: Readonly<Record<string, unknown>>,
  body: Buffer,
): { readonly ask: TextAsk; readonly work: AskedText } {
  const { kind, requestId, stream } = header
  if (typeof kind !== 'string' || !KINDS.includes(kind))
    throw new LinkProtocolError(`${String(kind)} is no work of text`)
  const request = parsed(body) as { messages?: unknown; inputs?: unknown } | null
  const list = kind === 'embed' ? request?.inputs : request?.messages
  if (!Array.isArray(list)) throw new LinkProtocolError(`a request to ${kind} asks nothing`)
  return {
    ask: { kind: kind as TextAsk['kind'], stream: stream === true, requestId: String(requestId) },
    work: { kind, request } as AskedText,
  }
}

/** Events of one frame; throws `LinkProtocolError`. */
export function readEvents(body: Buffer): readonly GenerateEvent[] {
  const events = parsed(body)
  if (!Array.isArray(events)) throw new LinkProtocolError('events are no array')
  return events as GenerateEvent[]
}

/** The answer with an end; throws `LinkProtocolError`. */
export function readAnswer(body: Buffer): TextAnswer {
  return parsed(body) as TextAnswer
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new LinkProtocolError('a body is not JSON', { cause })
  }
}
