import {
  type GenerateAnswer,
  type GenerateEvent,
  NO_USAGE,
  type SnapshotModel,
  type SnapshotVersion,
  type TokenUsage,
  textContract,
} from '../../contracts/index.ts'
import type { DialectName } from '../../dialects/index.ts'
import type {
  TextCall,
  TextExchange,
  TextFailure,
  TextOutcome,
  TextSink,
  TextUpstream,
} from '../../providers/index.ts'
import { resplit } from '../../routing/index.ts'

export const USED: TokenUsage = { ...NO_USAGE, input: 7, output: 2 }

/** One call as a script sees it: what was asked, and the sink to answer by. */
export class ScriptedCall implements TextExchange {
  readonly call: TextCall
  readonly sink: TextSink
  isPaused = false
  isCancelled = false
  pauses = 0
  isSettled = false
  /** What a cancel does; settles with what was used so far at first. */
  onCancel: () => void = () => this.fail('cancelled', { class: 'cancelled', status: 0 })
  onResume: () => void = () => undefined

  constructor(call: TextCall, sink: TextSink) {
    this.call = call
    this.sink = sink
  }

  get request() {
    const { work } = this.call
    if (work.kind !== 'generate') throw new Error(`a ${work.kind} was asked`)
    return work.request
  }

  get relayedBody(): Record<string, unknown> {
    const { work } = this.call
    if (work.kind !== 'relay') throw new Error(`a ${work.kind} was asked`)
    return JSON.parse(work.body.toString()) as Record<string, unknown>
  }

  accept(account: string | null = 'a1'): this {
    this.sink.accepted({ account, upstreamRequestId: 'up-1', providerModel: 'big-1' })
    return this
  }

  event(...events: GenerateEvent[]): this {
    for (const event of events) this.sink.event(event)
    return this
  }

  text(...texts: string[]): this {
    return this.event(...texts.map((text) => ({ type: 'text', choice: 0, text }) as const))
  }

  end(more: Partial<TextOutcome> = {}): void {
    this.settle({ finishReason: 'stop', usage: USED, ...more })
  }

  fail(code: TextFailure['code'], more: Partial<TextFailure> = {}, outcome: Partial<TextOutcome> = {}): void {
    const failure: TextFailure = {
      code,
      class: 'error',
      status: 500,
      detail: 'it broke',
      retryAfterMs: null,
      hadContent: false,
      ...more,
    }
    this.settle({ failure, ...outcome })
  }

  settle(outcome: Partial<TextOutcome>): void {
    if (this.isSettled) return
    this.isSettled = true
    this.sink.settled({
      failure: undefined,
      usage: NO_USAGE,
      finishReason: null,
      providerModel: 'big-1',
      earlier: [],
      reportedCostUsd: null,
      ...outcome,
    })
  }

  pause(): void {
    this.isPaused = true
    this.pauses++
  }

  resume(): void {
    this.isPaused = false
    this.onResume()
  }

  cancel(): void {
    if (this.isCancelled) return
    this.isCancelled = true
    setImmediate(() => this.onCancel())
  }
}

/** A text upstream that does what the test says; answers `Hello world` at first, in the way it was asked. */
export class ScriptedUpstream implements TextUpstream {
  readonly id: string
  readonly relays: Set<DialectName>
  readonly calls: ScriptedCall[] = []
  isReady = true
  isClosed = false
  behave: (call: ScriptedCall) => void = hello
  /** Throws what the dialect of this upstream cannot say. */
  refuse: (call: TextCall) => void = () => undefined

  constructor(id = 'acme', relays: readonly DialectName[] = []) {
    this.id = id
    this.relays = new Set(relays)
  }

  get last(): ScriptedCall {
    return this.calls.at(-1) as ScriptedCall
  }

  whenReady(): Promise<void> {
    return Promise.resolve()
  }

  start(call: TextCall, sink: TextSink): TextExchange {
    this.refuse(call)
    const scripted = new ScriptedCall(call, sink)
    this.calls.push(scripted)
    setImmediate(() => this.behave(scripted))
    return scripted
  }

  async close(): Promise<void> {
    this.isClosed = true
  }
}

export const HELLO_EVENTS: readonly GenerateEvent[] = [
  { type: 'started', id: 'gen-1', providerModel: 'big-1' },
  { type: 'text', choice: 0, text: 'Hello' },
  { type: 'text', choice: 0, text: ' world' },
  { type: 'finished', choice: 0, reason: 'stop' },
  { type: 'usage', usage: USED },
]

export const HELLO_ANSWER: GenerateAnswer = {
  id: 'gen-1',
  providerModel: 'big-1',
  createdAt: 1_700_000_000_000,
  choices: [{ index: 0, content: [{ type: 'text', text: 'Hello world' }], finishReason: 'stop' }],
  usage: USED,
}

export function hello(call: ScriptedCall): void {
  call.accept()
  const { work, stream } = call.call
  if (work.kind === 'relay') relayHello(call)
  else if (work.kind === 'generate' && stream) call.event(...HELLO_EVENTS)
  else if (work.kind === 'generate') call.sink.answer(HELLO_ANSWER)
  else if (work.kind === 'embed') call.sink.answer({ vectors: [[0.5, 1]], usage: USED })
  else if (work.kind === 'rerank') call.sink.answer({ results: [{ index: 1, score: 0.9 }], usage: USED })
  else if (work.kind === 'moderate')
    call.sink.answer({ id: 'mod-1', model: 'big-1', results: [{ flagged: false }] })
  else call.sink.answer({ input_tokens: 7 })
  call.end()
}

/** What a provider of chat completions sends, as far as a client must read it. */
function relayHello(call: ScriptedCall): void {
  if (!call.call.stream) {
    call.sink.answer(Buffer.from(JSON.stringify(RELAYED_ANSWER)))
    return
  }
  const chunk = (delta: object) => `data: ${JSON.stringify({ id: 'c1', choices: [{ index: 0, delta }] })}\n\n`
  const send = (text: string, hasContent: boolean) =>
    call.sink.relayed(Buffer.from(text), { hasContent, events: 1 })
  send(chunk({ role: 'assistant' }), false)
  send(chunk({ content: 'Hello' }), true)
  send(chunk({ content: ' world' }), true)
  send('data: [DONE]\n\n', false)
}

export const RELAYED_ANSWER = {
  id: 'c1',
  object: 'chat.completion',
  model: 'big-1',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello world' }, finish_reason: 'stop' }],
  odd_vendor_field: 7,
}

/** A model of text whose versions name the providers that answer for them. */
export function scriptedModel(
  model: string,
  versions: Record<string, { provider: string } & Partial<NonNullable<SnapshotVersion['text']>>>,
  more: Partial<SnapshotModel> & { shares?: Record<string, number> } = {},
): SnapshotModel {
  const { shares, ...rest } = more
  const [first = 'v1'] = Object.keys(versions)
  return {
    model,
    contract: textContract,
    experiment: `${model}/1`,
    slices: resplit([], shares ?? { [first]: 100 }),
    captureFailures: true,
    versions: Object.entries(versions).map(([label, text], index) => ({
      label,
      id: `sha256:${`${index + 1}`.repeat(64)}`,
      maxBatchRows: 32,
      replicas: [],
      text: {
        engine: 'openai',
        modelName: 'big-1',
        prompt: undefined,
        sampling: undefined,
        guardrails: undefined,
        ...text,
      },
    })),
    ...rest,
  }
}
