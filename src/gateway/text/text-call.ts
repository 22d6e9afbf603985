import { isUtf8 } from 'node:buffer'
import { type GenerateEvent, headerNames, type TextRecord } from '../../contracts/index.ts'
import type { AnswerContext, JsonObject, StreamWriter, SurfaceDialect } from '../../dialects/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { RelaySeen } from '../../providers/index.ts'
import type { ProblemHeaders } from '../server/answer.ts'
import { scanJson } from '../server/json-scan.ts'
import { EVENT_BYTES, isContent } from './content.ts'
import type { Endpoint, NeutralAnswer } from './endpoint.ts'
import { keptRows } from './kept-input.ts'
import { allowedDrops, ownParams, pinnedVersion, priorityOf, splitModel } from './plan.ts'
import { type QuestionOut, TextQuestion } from './question.ts'
import type { Kept } from './stream-keeper.ts'
import { StreamOut, type StreamOwner } from './stream-out.ts'
import { Subject } from './subject.ts'
import { type Arrival, TextHttpCall } from './text-http-call.ts'
import { answeredBy, fallbackOf, textRecord } from './text-record.ts'

export interface TextArrival extends Arrival {
  readonly endpoint: Endpoint
}

/**
 * One request on a text surface. Beside what `TextHttpCall` says of its life, a stream has one of its own:
 *
 * held ──first content (or too much, or too long, or its end)──▶ committed: status 200 is out ──▶ ended
 *
 * While held, what came is kept back, so that a failure is a real HTTP error or another rung's answer. Once committed a
 * failure is one event of the dialect, and the stream ends after it without the mark of success.
 */
export class TextCall extends TextHttpCall implements QuestionOut, StreamOwner, Kept {
  place = -1
  readonly #endpoint: Endpoint
  #question: TextQuestion | undefined
  /** The model as the client named it. */
  #named = ''
  #writer: StreamWriter | undefined
  #out: StreamOut | undefined
  #held: (GenerateEvent | Buffer)[] = []
  #heldBytes = 0
  #isCommitted = false
  #isRelayed = false
  #relayedEvents = 0
  #askedMs = 0
  /** When the work was told to stop, or 0. */
  #stoppedMs = 0
  #ttftMs: number | null = null
  #chunks = 0

  constructor(parts: TextHttpCall['parts'], arrival: TextArrival, ...rest: Rest) {
    super(parts, arrival, ...rest)
    this.#endpoint = arrival.endpoint
  }

  get mayFallBack(): boolean {
    return !this.#isCommitted && !this.isDone
  }

  get unsentBytes(): number {
    return this.response.writableLength
  }

  event(event: GenerateEvent): void {
    if (this.isDone) return
    const hasContent = isContent(event)
    if (hasContent) this.#sawContent(1)
    if (this.#isCommitted) (this.#out as StreamOut).write(this.#written(event))
    else {
      this.#held.push(event)
      this.#heldBytes += EVENT_BYTES
      if (hasContent || this.#heldBytes > this.parts.bounds.text.holdBackBytes) this.#commit()
    }
  }

  relayed(bytes: Buffer, seen: RelaySeen): void {
    if (this.isDone) return
    this.#isRelayed = true
    this.#relayedEvents += seen.events
    if (seen.hasContent) this.#sawContent(seen.events)
    if (this.#isCommitted) (this.#out as StreamOut).writeBytes(bytes)
    else {
      this.#held.push(bytes)
      this.#heldBytes += bytes.length
      if (seen.hasContent || this.#heldBytes > this.parts.bounds.text.holdBackBytes) this.#commit()
    }
  }

  ended(): void {
    if (this.isDone) return
    if (!this.#isCommitted) this.#commit()
    const out = this.#out as StreamOut
    // Relayed bytes bring their own mark of success.
    if (!this.#isRelayed) out.write(this.#written({ type: 'ended' }))
    out.end()
    this.done(200, undefined)
  }

  answer(answer: NeutralAnswer | Buffer): void {
    if (this.isDone) return
    const body = Buffer.isBuffer(answer)
      ? answer
      : JSON.stringify(this.#endpoint.write(answer, this.#context()))
    const headers = this.head('application/json', this.told())
    headers.push('content-length', String(Buffer.byteLength(body)))
    this.#more(headers)
    this.response.writeHead(200, headers).end(body)
    this.done(200, undefined)
  }

  failed(error: SlipwayError): void {
    this.fail(error)
  }

  over(): void {
    if (this.isDone) this.settle()
  }

  full(): void {
    this.#question?.pause()
  }

  drained(): void {
    this.#question?.resume()
  }

  tick(nowMs: number): void {
    const { text } = this.parts.bounds
    if (this.#stoppedMs !== 0 && !this.isSettled && nowMs - this.#stoppedMs >= text.settleGraceMs)
      this.#question?.giveUp()
    if (this.#question?.isStream === true && !this.isSettled) {
      if (nowMs - this.startedMs >= this.serving.maxStreamMs) this.deadline(this.serving.maxStreamMs)
      else if (!this.isDone && !this.#isCommitted && nowMs - this.#askedMs >= text.holdBackMs)
        this.#commitSilent()
    }
    if (this.isClosed) return
    // A whole answer has no stream of its own, but its reader can be as stuck.
    this.#out ??= this.isDone ? this.#finishedOut() : undefined
    if (this.#out?.tick(nowMs, this.serving.heartbeatMs, text.writeTimeoutMs) === 'stuck')
      this.response.destroy()
  }

  protected read(bytes: Buffer): void {
    const { bounds, clock } = this.parts
    const { headers } = this.request
    if (scanJson(bytes, bounds.text.maxDepth, Number.POSITIVE_INFINITY).depth > bounds.text.maxDepth)
      throw new SlipwayError('body_too_deep', { limit: bounds.text.maxDepth })
    const body = parsed(bytes)
    const endpoint = this.#endpoint
    const params = ownParams(body)
    const glance = endpoint.glance(body)
    const named = this.arrival.modelName ?? glance.model
    if (named === undefined)
      throw new SlipwayError('invalid_request', { reason: 'model is missing.' }, { pointer: '/model' })
    const { model, version } = splitModel(named)
    const text = this.assign(model, pinnedVersion(headers, params, version), glance.user)
    const { arrival } = this
    const subject = new Subject({
      requestId: arrival.requestId,
      atMs: this.atMs,
      startedMs: this.startedMs,
      key: arrival.key,
      priority: priorityOf(headers, arrival.key.priority),
      endpoint,
      text,
      isPinned: this.isPinned,
      glance,
      body: bytes,
      parsed: body.params === undefined ? body : withoutParams(body),
      isRelayable: body.params === undefined,
      drops: allowedDrops(headers, params),
      timeoutMs: this.timeoutMs,
      isTimeoutAsked: this.isTimeoutAsked,
    })
    this.#named = named
    this.#askedMs = clock.monotonicMs()
    this.parts.keeper.add(this)
    this.#question = new TextQuestion(this.parts, subject, this)
    this.#question.begin()
  }

  protected isWorking(): boolean {
    return this.#question !== undefined && !this.#question.isOver
  }

  protected stopWork(): void {
    if (this.#stoppedMs === 0) this.#stoppedMs = this.parts.clock.monotonicMs()
    this.#question?.cancel()
  }

  protected drainWork(): void {
    this.#out?.drop()
    this.#question?.resume()
  }

  protected failInStream(error: SlipwayError): boolean {
    if (!this.#isCommitted) return false
    const { code, message: detail, status } = error
    const { requestId } = this.arrival
    const out = this.#out as StreamOut
    out.write(this.#written({ type: 'failed', code, detail, status, requestId }))
    out.end()
    return true
  }

  protected told(): ProblemHeaders {
    const question = this.#question
    return {
      requestId: this.arrival.requestId,
      model: this.model?.name,
      version: question?.asking?.version?.label ?? this.version?.label,
      replica: question === undefined ? undefined : answeredBy(question),
      fallback: question === undefined ? undefined : fallbackOf(question),
    }
  }

  protected textRecord(): TextRecord | undefined {
    const question = this.#question
    return question === undefined
      ? undefined
      : textRecord(question, { ttftMs: this.#ttftMs, chunks: this.#chunks })
  }

  protected capturedRows(): readonly unknown[] {
    const question = this.#question
    return question?.subject.operation === 'generate' ? keptRows([question]) : []
  }

  protected override settle(): void {
    super.settle()
    if (this.#isCommitted) this.#leaveOpen()
    if (this.isClosed || this.response.writableLength === 0) this.parts.keeper.remove(this)
  }

  protected override afterClose(): void {
    if (this.isSettled) this.parts.keeper.remove(this)
  }

  #sawContent(events: number): void {
    this.#chunks += events
    this.#ttftMs ??= this.parts.clock.monotonicMs() - this.startedMs
  }

  #written(event: GenerateEvent): string {
    this.#writer ??= (this.#endpoint.dialect as SurfaceDialect).streamWriter(this.#context())
    return this.#writer.write(event)
  }

  #context(): AnswerContext {
    const { requestId, version } = this.told()
    const { glance } = (this.#question as TextQuestion).subject
    return {
      requestId,
      model: this.#named,
      ...(version === undefined ? {} : { version }),
      createdAtMs: this.atMs,
      includeUsage: glance.includeUsage,
      ...(glance.usesFunctions === true ? { usesFunctions: true } : {}),
      eventsBefore: this.#relayedEvents,
    }
  }

  #commit(): void {
    this.#isCommitted = true
    const headers = this.head('text/event-stream; charset=utf-8', this.told())
    // Proxies that gather a stream before they pass it on would undo it.
    headers.push('cache-control', 'no-cache', 'x-accel-buffering', 'no')
    this.#more(headers)
    this.response.writeHead(200, headers)
    const metrics = this.version?.text?.metrics
    if (metrics !== undefined) metrics.streamsOpen++
    const out = new StreamOut(this.response, this.parts.keeper, this)
    this.#out = out
    for (const held of this.#held) {
      if (Buffer.isBuffer(held)) out.writeBytes(held)
      else out.write(this.#written(held))
    }
    this.#held = []
  }

  /** Somebody accepted and thinks for longer than may be held back: the client is told that it is alive. */
  #commitSilent(): void {
    if (this.#question?.asking?.isAccepted !== true) return
    this.#commit()
    this.response.flushHeaders()
  }

  #leaveOpen(): void {
    const metrics = this.version?.text?.metrics
    if (metrics !== undefined) metrics.streamsOpen--
  }

  #finishedOut(): StreamOut {
    const out = new StreamOut(this.response, this.parts.keeper, this)
    out.drop()
    return out
  }

  #more(headers: string[]): void {
    const question = this.#question as TextQuestion
    const { dropped } = question.subject
    if (dropped.length > 0) headers.push(headerNames.drop, dropped.join(', '))
    if (question.cache !== 'off') headers.push(headerNames.cache, question.cache)
  }
}

type Rest = ConstructorParameters<typeof TextHttpCall> extends [unknown, unknown, ...infer R] ? R : never

function parsed(bytes: Buffer): JsonObject {
  if (!isUtf8(bytes)) throw new SlipwayError('body_not_json', { reason: 'it is not UTF-8' })
  let body: unknown
  try {
    body = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new SlipwayError('body_not_json', { reason: (error as Error).message }, { cause: error })
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new SlipwayError('invalid_request', { reason: 'The body must be an object.' }, { pointer: '' })
  return body as JsonObject
}

function withoutParams(body: JsonObject): JsonObject {
  const { params: _, ...rest } = body
  return rest
}
