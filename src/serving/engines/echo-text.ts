import {
  type EchoScript,
  type EmbedRequest,
  echoScript,
  echoText,
  type FinishReason,
  type GenerateRequest,
  NO_USAGE,
  type TokenUsage,
} from '../../contracts/index.ts'
import { type Clock, type Random, seededRandom } from '../../kernel/index.ts'
import type {
  TextEngine,
  TextEngineGauges,
  TextEngineInfo,
  TextLoadRequest,
  TextRun,
  TextWork,
  TextWorkFailure,
  TextWorkSink,
} from '../text-engine.ts'
import { vectorsOf } from './echo-vectors.ts'

/**
 * A model of text without a model: it says what its script says, or what the user said last, word by word, as slowly and
 * as faultily as the script wants. So many requests at a time, the rest in order of priority and arrival.
 */
export function echoTextEngine(clock: Clock): TextEngine {
  return new EchoTextEngine(clock)
}

const BLOCK_TOKENS = 16
/** When a refused caller may ask again. */
const RETRY_AFTER_MS = 100

class EchoTextEngine implements TextEngine {
  readonly name = 'echo'
  readonly clock: Clock
  script: EchoScript = echoScript.parse({})
  text = echoText.parse({})
  #random: Random = seededRandom(1)
  #isLoaded = false
  #answered = 0
  readonly #running = new Set<EchoRun>()
  /** First to be served first. */
  readonly #waiting: EchoRun[] = []
  readonly #counts = { inputTokens: 0, outputTokens: 0 }

  constructor(clock: Clock) {
    this.clock = clock
  }

  async load({ spec }: TextLoadRequest): Promise<void> {
    this.script = echoScript.parse(spec.echo ?? {})
    this.text = echoText.parse(this.script.text ?? {})
    this.#random = seededRandom(this.script.seed)
    this.#isLoaded = true
  }

  async warmUp(): Promise<void> {}

  start(work: TextWork, sink: TextWorkSink): TextRun {
    const run = new EchoRun(this, work, sink)
    const refusal = this.#refusal(run)
    if (refusal !== undefined) {
      setImmediate(() => run.refuse(refusal))
      return run
    }
    run.watchDeadline()
    if (this.#running.size < this.text.sequences) this.#begin(run)
    else {
      const behind = this.#waiting.findIndex((other) => other.work.priority > work.priority)
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, run)
    }
    return run
  }

  get gauges(): TextEngineGauges {
    const { contextTokens, sequences } = this.text
    let kvBlocksUsed = 0
    for (const run of this.#running) kvBlocksUsed += Math.ceil(run.contextTokens / BLOCK_TOKENS)
    return {
      running: this.#running.size,
      waiting: this.#waiting.length,
      kvBlocksTotal: sequences * Math.ceil(contextTokens / BLOCK_TOKENS),
      kvBlocksUsed,
      ...this.#counts,
      reusedTokens: 0,
      draftedTokens: 0,
      acceptedTokens: 0,
    }
  }

  describe(): TextEngineInfo {
    const { contextTokens, sequences, vectorSize } = this.text
    return {
      runtime: 'echo',
      contextTokens,
      sequences,
      weightsBytes: 0,
      kvBytes: 0,
      embeddings: vectorSize > 0,
    }
  }

  async unload(): Promise<void> {
    this.#isLoaded = false
    for (const run of [...this.#waiting, ...this.#running]) run.cancel()
  }

  /** Both are drawn for each request, so that changing one share does not move the other's faults. */
  faults(): { readonly fails: boolean; readonly factor: number } {
    const { afterRows, failShare, slowFactor, slowShare } = this.script
    const [failDraw, slowDraw] = [this.#random(), this.#random()]
    if (this.#answered++ < afterRows) return { fails: false, factor: 1 }
    return { fails: failDraw < failShare, factor: slowDraw < slowShare ? slowFactor : 1 }
  }

  counted(inputTokens: number, outputTokens: number): void {
    this.#counts.inputTokens += inputTokens
    this.#counts.outputTokens += outputTokens
  }

  left(run: EchoRun): void {
    const at = this.#waiting.indexOf(run)
    if (at >= 0) this.#waiting.splice(at, 1)
    if (!this.#running.delete(run)) return
    const next = this.#waiting.shift()
    if (next !== undefined) this.#begin(next)
  }

  #begin(run: EchoRun): void {
    this.#running.add(run)
    setImmediate(() => void run.go())
  }

  #refusal(run: EchoRun): TextWorkFailure | undefined {
    if (!this.#isLoaded) return { code: 'model_failed', detail: 'the engine is not loaded', retrySafe: true }
    const field = unknownField(run.work, this.text.vectorSize)
    if (field !== undefined)
      return {
        code: 'invalid_request',
        detail: `the echo engine does not have ${field}`,
        field,
        retrySafe: false,
      }
    const { contextTokens } = this.text
    if (run.work.work.kind === 'generate' && run.inputTokens >= contextTokens)
      return {
        code: 'context_too_long',
        detail: `${run.inputTokens} tokens leave no room in a context of ${contextTokens}`,
        retrySafe: false,
      }
    if (this.#running.size >= this.text.sequences && this.#waiting.length >= this.text.maxWaiting)
      return {
        code: 'overloaded',
        detail: `${this.#waiting.length} requests wait`,
        retrySafe: true,
        retryAfterMs: RETRY_AFTER_MS,
      }
    return undefined
  }
}

/** One request: waiting → prefill → decode → settled, or settled from anywhere. */
class EchoRun implements TextRun {
  readonly work: TextWork
  readonly inputTokens: number
  readonly #engine: EchoTextEngine
  readonly #sink: TextWorkSink
  readonly #stop = new AbortController()
  readonly #arrivedMs: number
  #startedMs: number | undefined
  #prefilledMs: number | undefined
  #said: string[] = []
  #resumed: PromiseWithResolvers<void> | undefined
  #isSettled = false

  constructor(engine: EchoTextEngine, work: TextWork, sink: TextWorkSink) {
    this.#engine = engine
    this.work = work
    this.#sink = sink
    this.#arrivedMs = engine.clock.monotonicMs()
    this.inputTokens = tokensIn(work)
  }

  get contextTokens(): number {
    return this.inputTokens + this.#said.length
  }

  pause(): void {
    this.#resumed ??= Promise.withResolvers<void>()
  }

  resume(): void {
    this.#resumed?.resolve()
    this.#resumed = undefined
  }

  cancel(): void {
    this.#fail('cancelled', 'nobody waits any more')
  }

  refuse(failure: TextWorkFailure): void {
    this.#settle(failure, null)
  }

  /** It holds in the queue too. */
  watchDeadline(): void {
    const { deadlineAtMs } = this.work
    if (deadlineAtMs === Number.POSITIVE_INFINITY) return
    const { clock } = this.#engine
    clock.sleep(Math.max(0, deadlineAtMs - clock.monotonicMs()), this.#stop.signal).then(
      () => this.#fail('deadline_exceeded', 'the deadline passed'),
      () => undefined,
    )
  }

  async go(): Promise<void> {
    if (this.#isSettled) return
    const { clock, script } = this.#engine
    this.#startedMs = clock.monotonicMs()
    const { factor, fails } = this.#engine.faults()
    try {
      await this.#sleep(script.latencyMs * factor)
      this.#prefilledMs = clock.monotonicMs()
      this.#engine.counted(this.inputTokens, 0)
      if (fails) this.#fail('model_failed', 'the echo script says so')
      else if (this.work.work.kind === 'generate') await this.#generate(this.work.work.request, factor)
      else await this.#answerAtOnce()
    } catch (error) {
      // Whoever stopped it settled it.
      if (!this.#stop.signal.aborted) throw error
    }
  }

  async #answerAtOnce(): Promise<void> {
    const { work } = this.work
    await this.#whileFlowing()
    if (work.kind === 'embed')
      this.#sink.answer({
        vectors: vectorsOf(work.request, this.#engine.text.vectorSize),
        usage: { ...this.#usage(), output: null },
      })
    else this.#sink.answer({ inputTokens: this.inputTokens })
    this.#settle(undefined, null)
  }

  async #generate(request: GenerateRequest, factor: number): Promise<void> {
    const { contextTokens, failAfterTokens, hangAfterTokens, says, tokenMs } = this.#engine.text
    const words = wordsOf(says ?? lastWords(request))
    const room = contextTokens - this.inputTokens
    const most = Math.min(request.maxOutputTokens ?? Number.POSITIVE_INFINITY, room)
    let stopText: string | undefined
    if (this.work.stream) {
      await this.#whileFlowing()
      this.#sink.event({ type: 'started', id: this.work.requestId })
    }
    for (const word of words) {
      if (this.#said.length >= most || this.#said.length === failAfterTokens) break
      if (this.#said.length === hangAfterTokens) await new Promise<never>(() => undefined)
      await (tokenMs === 0 ? turnOfLoop() : this.#sleep(tokenMs * factor))
      await this.#whileFlowing()
      stopText = request.stop?.find((stop) => word.includes(stop))
      if (stopText !== undefined) break
      this.#said.push(word)
      this.#engine.counted(0, 1)
      if (this.work.stream) this.#sink.event({ type: 'text', choice: 0, text: word })
      if (this.#isSettled) return
    }
    if (this.#said.length === failAfterTokens) {
      this.#fail('model_failed', 'the echo script says so')
      return
    }
    const reason: FinishReason =
      stopText !== undefined || this.#said.length === words.length ? 'stop' : 'length'
    await this.#whileFlowing()
    this.#finish(reason, stopText)
  }

  #finish(reason: FinishReason, stopText: string | undefined): void {
    const stop = stopText === undefined ? {} : { stopText }
    const usage = this.#usage()
    if (this.work.stream) {
      this.#sink.event({ type: 'finished', choice: 0, reason, ...stop })
      if (!this.#isSettled) this.#sink.event({ type: 'usage', usage })
    } else
      this.#sink.answer({
        id: this.work.requestId,
        createdAt: this.#engine.clock.nowMs(),
        choices: [
          { index: 0, content: [{ type: 'text', text: this.#said.join('') }], finishReason: reason, ...stop },
        ],
        usage,
      })
    this.#settle(undefined, reason)
  }

  /** Resolves when it is not paused; rejects when it was stopped. */
  async #whileFlowing(): Promise<void> {
    while (this.#resumed !== undefined) await this.#resumed.promise
    this.#stop.signal.throwIfAborted()
  }

  async #sleep(ms: number): Promise<void> {
    if (ms > 0) await this.#engine.clock.sleep(ms, this.#stop.signal)
    this.#stop.signal.throwIfAborted()
  }

  #fail(code: TextWorkFailure['code'], detail: string): void {
    this.#settle({ code, detail, retrySafe: this.#said.length === 0 }, null)
  }

  #settle(failure: TextWorkFailure | undefined, finishReason: FinishReason | null): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const endMs = this.#engine.clock.monotonicMs()
    const startedMs = this.#startedMs ?? endMs
    const prefilledMs = this.#prefilledMs ?? endMs
    this.#stop.abort()
    this.resume()
    this.#engine.left(this)
    this.#sink.settled({
      failure,
      usage: this.#usage(),
      finishReason,
      queueUs: micros(startedMs - this.#arrivedMs),
      prefillUs: micros(prefilledMs - startedMs),
      decodeUs: micros(endMs - prefilledMs),
    })
  }

  /** What never began used nothing. */
  #usage(): TokenUsage {
    const input = this.#prefilledMs === undefined ? 0 : this.inputTokens
    return { ...NO_USAGE, input, cacheRead: 0, output: this.#said.length }
  }
}

/** The first field that asks for what is not here. */
function unknownField({ work }: TextWork, vectorSize: number): string | undefined {
  if (work.kind === 'embed') return unknownEmbedField(work.request, vectorSize)
  const { request } = work
  for (const [index, { content }] of request.messages.entries())
    for (const [place, { type }] of content.entries())
      if (type !== 'text' && type !== 'reasoning') return `messages.${index}.content.${place}`
  if (request.tools !== undefined && request.tools.length > 0) return 'tools'
  if (request.logprobs !== undefined) return 'logprobs'
  if ((request.choices ?? 1) > 1) return 'choices'
  if (request.output !== undefined && request.output.format !== 'text') return 'output'
  const [extra] = Object.keys(request.extras ?? {})
  return extra === undefined ? undefined : `extras.${extra}`
}

function unknownEmbedField({ dimensions, extras }: EmbedRequest, vectorSize: number): string | undefined {
  if (vectorSize === 0) return 'inputs'
  if (dimensions !== undefined && dimensions > vectorSize) return 'dimensions'
  const [extra] = Object.keys(extras ?? {})
  return extra === undefined ? undefined : `extras.${extra}`
}

function tokensIn({ work }: TextWork): number {
  if (work.kind === 'embed') {
    let tokens = 0
    for (const input of work.request.inputs)
      tokens += typeof input === 'string' ? wordsOf(input).length : input.length
    return tokens
  }
  let tokens = 0
  for (const { content } of work.request.messages)
    for (const part of content) if (part.type === 'text') tokens += wordsOf(part.text).length
  return tokens
}

function lastWords({ messages }: GenerateRequest): string {
  const content = messages.findLast(({ role }) => role === 'user')?.content ?? []
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

function wordsOf(text: string): string[] {
  return text.match(/\s*\S+/g) ?? []
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function micros(ms: number): number {
  return Math.max(0, Math.round(ms * 1000))
}
