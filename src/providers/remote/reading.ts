import { type GenerateAnswer, type GenerateEvent, NO_USAGE, type TokenUsage } from '../../contracts/index.ts'
import {
  classOfStatus,
  mergeUsage,
  type ProblemClass,
  type ProviderDialect,
  type StreamReader,
  UpstreamBroken,
} from '../../dialects/index.ts'
import type { TextSink } from '../text/text-upstream.ts'
import type { Found, RelayCodec, RelayScanner } from './codecs.ts'

/** Why a body that came with a 2xx was no answer. */
export interface Broken {
  readonly code: 'upstream_failed' | 'upstream_truncated' | ErrorInside
  readonly class: ProblemClass
  readonly status: number
  readonly detail: string
}
type ErrorInside = 'upstream_rejected' | 'upstream_rate_limited' | 'upstream_overloaded'

/**
 * Reads the body of one answer and passes it on. Nothing reaches the sink before the first content, so that what breaks
 * before it can still be asked of somebody else.
 */
export interface Reading {
  readonly found: Found
  readonly hadContent: boolean
  /** Once set, what comes later is not looked at. */
  readonly broken: Broken | undefined
  push(chunk: Buffer): void
  /** The body ended as HTTP has it. */
  end(): void
}

export function nothingFound(): Found {
  return { usage: NO_USAGE, finishReason: null, providerModel: null, reportedCostUsd: null }
}

/** A translated stream. Its terminal event is not passed on: how it ended is told by the outcome. */
export class StreamReading implements Reading {
  readonly found = nothingFound()
  hadContent = false
  broken: Broken | undefined
  #held: GenerateEvent[] = []
  #isEnded = false
  readonly #sink: TextSink
  readonly #reader: StreamReader
  readonly #maxHeld: number

  constructor(dialect: ProviderDialect, sink: TextSink, maxHeldBytes: number) {
    this.#sink = sink
    // No event is smaller than this on the wire.
    this.#maxHeld = Math.ceil(maxHeldBytes / 16)
    this.#reader = dialect.streamReader((event) => this.#event(event))
  }

  push(chunk: Buffer): void {
    if (!this.#isOver) this.#reader.push(chunk)
  }

  end(): void {
    if (this.#isOver) return
    this.#reader.end()
    if (!this.#isOver) this.broken = truncated()
  }

  get #isOver(): boolean {
    return this.#isEnded || this.broken !== undefined
  }

  #event(event: GenerateEvent): void {
    if (this.#isOver) return
    this.#note(event)
    if (event.type === 'failed') this.broken = brokenOf(event)
    else if (event.type === 'usage' && event.reportedCostUsd !== undefined) {
      const { reportedCostUsd, ...told } = event
      this.found.reportedCostUsd = reportedCostUsd
      this.#event(told)
    } else if (event.type === 'ended') {
      this.#isEnded = true
      this.#flush()
    } else if (this.hadContent) this.#sink.event(event)
    else this.#hold(event)
  }

  #hold(event: GenerateEvent): void {
    this.#held.push(event)
    // More than may be held is passed on all the same, and nobody else can answer then.
    this.hadContent = CONTENT.has(event.type) || this.#held.length > this.#maxHeld
    if (this.hadContent) this.#flush()
  }

  /** Also of an answer that has no content and is whole all the same. */
  #flush(): void {
    const held = this.#held
    this.#held = []
    for (const event of held) this.#sink.event(event)
  }

  #note(event: GenerateEvent): void {
    const { found } = this
    if (event.type === 'usage') found.usage = mergeUsage(found.usage, event.usage)
    else if (event.type === 'finished') found.finishReason ??= event.reason
    else if (event.type === 'started') found.providerModel = event.providerModel ?? found.providerModel
  }
}

/** A stream whose bytes are passed on. */
export class RelayReading implements Reading {
  hadContent = false
  readonly #scanner: RelayScanner
  #held: { bytes: Buffer; events: number }[] = []
  #heldBytes = 0
  #broken: Broken | undefined
  readonly #sink: TextSink
  readonly #maxHeldBytes: number

  constructor(codec: RelayCodec, hideUsage: boolean, sink: TextSink, maxHeldBytes: number) {
    this.#sink = sink
    this.#maxHeldBytes = maxHeldBytes
    this.#scanner = codec.scanner({
      hideUsage,
      relayed: (bytes, seen) => this.#relayed(bytes, seen.hasContent, seen.events),
    })
  }

  get found(): Found {
    return this.#scanner.found
  }

  get broken(): Broken | undefined {
    const { problem } = this.#scanner
    this.#broken ??= problem === undefined ? undefined : { ...problem, code: codeOfClass(problem.class) }
    return this.#broken
  }

  push(chunk: Buffer): void {
    if (this.broken === undefined) this.#scanner.push(chunk)
  }

  end(): void {
    if (this.broken !== undefined) return
    this.#scanner.end()
    if (this.broken !== undefined) return
    if (this.#scanner.isTerminated) this.#flush(false)
    else this.#broken = truncated()
  }

  #relayed(bytes: Buffer, hasContent: boolean, events: number): void {
    if (this.hadContent) {
      this.#sink.relayed(bytes, { hasContent, events })
      return
    }
    this.#held.push({ bytes, events })
    this.#heldBytes += bytes.length
    this.hadContent = hasContent || this.#heldBytes > this.#maxHeldBytes
    if (this.hadContent) this.#flush(hasContent)
  }

  #flush(hasContent: boolean): void {
    const held = this.#held
    this.#held = []
    if (held.length === 0) return
    const bytes = held.length === 1 ? (held[0]?.bytes as Buffer) : Buffer.concat(held.map((one) => one.bytes))
    this.#sink.relayed(bytes, { hasContent, events: held.reduce((sum, { events }) => sum + events, 0) })
  }
}

type Answer = Parameters<TextSink['answer']>[0]

/** A whole answer; read at its end, bounded by the exchange. */
export class WholeReading implements Reading {
  hadContent = false
  broken: Broken | undefined
  found = nothingFound()
  #chunks: Buffer[] = []
  readonly #sink: TextSink
  readonly #read: (body: Buffer) => { answer: Answer; found: Found }

  constructor(sink: TextSink, read: (body: Buffer) => { answer: Answer; found: Found }) {
    this.#sink = sink
    this.#read = read
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  end(): void {
    const chunks = this.#chunks
    this.#chunks = []
    try {
      const { answer, found } = this.#read(
        chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks),
      )
      this.found = found
      this.hadContent = true
      this.#sink.answer(answer)
    } catch (error) {
      if (!(error instanceof UpstreamBroken)) throw error
      this.broken = { ...error.problem, code: codeOfClass(error.problem.class) }
    }
  }
}

/** Throws `UpstreamBroken` where it is no JSON. */
export function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new UpstreamBroken({
      class: 'error',
      status: 200,
      detail: 'its answer is not JSON, or not all of it',
      code: undefined,
    })
  }
}

interface Told {
  readonly usage?: TokenUsage
  readonly providerModel?: string | undefined
  readonly reportedCostUsd?: string | undefined
}

/** What our bill says is taken out: it is not the client's to read. */
export function withoutCost<Answer extends object>(answer: Answer): Answer {
  if (!('reportedCostUsd' in answer)) return answer
  const { reportedCostUsd: _, ...told } = answer
  return told as unknown as Answer
}

export function foundIn(answer: Told): Found {
  return {
    usage: answer.usage ?? NO_USAGE,
    finishReason: (answer as Partial<GenerateAnswer>).choices?.[0]?.finishReason ?? null,
    providerModel: answer.providerModel ?? null,
    reportedCostUsd: answer.reportedCostUsd ?? null,
  }
}

const CODES: Readonly<Partial<Record<ProblemClass, ErrorInside>>> = {
  invalid: 'upstream_rejected',
  auth: 'upstream_rejected',
  'not-found': 'upstream_rejected',
  'context-length': 'upstream_rejected',
  'content-filter': 'upstream_rejected',
  'rate-limited': 'upstream_rate_limited',
  quota: 'upstream_rate_limited',
  overloaded: 'upstream_overloaded',
}

/** What a problem of a provider is called here. */
export function codeOfClass(problem: ProblemClass): Broken['code'] {
  return CODES[problem] ?? 'upstream_failed'
}

/** Events a user would see something of. */
const CONTENT: ReadonlySet<GenerateEvent['type']> = new Set([
  'text',
  'reasoning',
  'refusal',
  'annotation',
  'tool-call-started',
  'tool-call-arguments',
])

const CLASSES: Readonly<Record<string, ProblemClass>> = {
  upstream_rate_limited: 'rate-limited',
  upstream_overloaded: 'overloaded',
  upstream_rejected: 'invalid',
  content_filtered: 'content-filter',
  context_too_long: 'context-length',
}

function brokenOf({ code, detail, status }: Extract<GenerateEvent, { type: 'failed' }>): Broken {
  if (code === 'upstream_truncated') return { code, class: 'error', status, detail }
  const problem = CLASSES[code] ?? classOfStatus(status)
  return { code: codeOfClass(problem), class: problem, status, detail }
}

function truncated(): Broken {
  return {
    code: 'upstream_truncated',
    class: 'error',
    status: 200,
    detail: 'its stream ended before its end was told',
  }
}
