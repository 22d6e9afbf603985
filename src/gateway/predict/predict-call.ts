import type { IncomingMessage, ServerResponse } from 'node:http'
import { headerNames, type RequestRecord, type SnapshotKey } from '../../contracts/index.ts'
import { type Clock, isSlipwayError, SlipwayError } from '../../kernel/index.ts'
import type { Upstream, UpstreamAnswer, UpstreamFailure, UpstreamOutcome } from '../../providers/index.ts'
import {
  type Admission,
  bucketOfUnit,
  type ExposureCounter,
  type KeyBudget,
  ownerOf,
  type PoolMember,
} from '../../routing/index.ts'
import type { GatewayModel, GatewayTable, GatewayVersion } from '../gateway-table.ts'
import type { GatewayLimits } from '../limits.ts'
import { answerProblem } from '../server/answer.ts'
import { parsePredictBody, refuseDeep, tooManyRows } from './predict-body.ts'
import { CLIENT_LEFT, capturedInput, outcomeOf } from './record.ts'
import { mediaOf, pinnedByQuery, RAW, timeoutOf, unitOf } from './request-options.ts'

const HOLD_STEP_MS = 20

/** What all predict calls of a gateway share. */
export interface PredictParts {
  readonly clock: Clock
  readonly limits: GatewayLimits
  readonly admission: Admission
  readonly exposures: ExposureCounter
  /** Bytes of bodies that are held now, over all calls. */
  readonly buffered: { bytes: number }
  readonly record: (record: RequestRecord) => void
  /** The table now; a call keeps the one it started with until that one has nobody left to ask. */
  readonly table: () => GatewayTable
  /** Answers tell clients to come back on another connection, since this process is stopping. */
  readonly isStopping: () => boolean
}

/** What was found out before the call: who asks, for which model. */
export interface PredictSubject {
  readonly requestId: string
  readonly key: SnapshotKey
  readonly budget: KeyBudget
  readonly model: GatewayModel
  readonly table: GatewayTable
  readonly query: string
  readonly expectsContinue: boolean
}

/**
 * The life of one predict request, after its key was checked:
 *
 * admitted ──body──▶ read ──version, replica──▶ asked ──answer──▶ settled
 *                                                 └─ replica lost or unready ─▶ asked (another one, at most twice)
 *
 * From anywhere an error, the deadline or the client's leaving leads to `settled`, which happens once: it answers, gives
 * back what was taken and writes the record. A model's own failure is never retried: it would fail there too, and the
 * change under test must see it.
 */
export class PredictCall {
  readonly #parts: PredictParts
  readonly #subject: PredictSubject
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #startedMs: number
  readonly #atMs: number
  #model: GatewayModel
  #timeoutMs = 0
  #media = ''
  #chunks: Buffer[] = []
  #bytes = 0
  /** The body as it came. */
  #body: Buffer | undefined
  /** The rows as the replica takes them. */
  #encoded: Buffer | undefined
  #rows = 0
  #unit: string | undefined
  #pinned: string | undefined
  #bucket: number | null = null
  #version: GatewayVersion | undefined
  #member: PoolMember<Upstream> | undefined
  #tried: PoolMember<Upstream>[] | undefined
  #upstreamId = 0
  #retries = 0
  #queueMs = 0
  #computeMs = 0
  #isSettled = false

  constructor(
    parts: PredictParts,
    subject: PredictSubject,
    request: IncomingMessage,
    response: ServerResponse,
    startedMs: number,
  ) {
    this.#parts = parts
    this.#subject = subject
    this.#request = request
    this.#response = response
    this.#startedMs = startedMs
    this.#atMs = parts.clock.nowMs()
    this.#model = subject.model
  }

  /** The request was admitted; gives the place back when it settles. */
  start(): void {
    const { limits } = this.#parts
    this.#response.on('close', () => this.#closed())
    try {
      const { headers } = this.#request
      this.#media = mediaOf(headers)
      this.#timeoutMs = timeoutOf(headers, limits)
      this.#pinned = pinnedByQuery(this.#subject.query, this.#media)
      const length = headers['content-length']
      if (length !== undefined && Number(length) > limits.maxBodyBytes)
        throw new SlipwayError('body_too_large', { limitBytes: limits.maxBodyBytes })
    } catch (error) {
      this.#fail(error)
      return
    }
    if (this.#subject.expectsContinue) this.#response.writeContinue()
    this.#request.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#request.on('end', () => this.#ended())
  }

  /** A limit turned the request away; nothing of it was read. */
  refuse(error: SlipwayError): void {
    this.#isSettled = true
    answerProblem(this.#request, this.#response, error, this.#told())
    this.#note(error.status, error)
  }

  #take(chunk: Buffer): void {
    if (this.#isSettled) return
    const { buffered, limits } = this.#parts
    this.#bytes += chunk.length
    buffered.bytes += chunk.length
    this.#chunks.push(chunk)
    if (this.#bytes > limits.maxBodyBytes)
      this.#fail(new SlipwayError('body_too_large', { limitBytes: limits.maxBodyBytes }))
    else if (buffered.bytes > limits.maxBufferedBytes)
      this.#fail(new SlipwayError('overloaded', { what: 'The gateway', retryAfterMs: 100 }))
  }

  #ended(): void {
    if (this.#isSettled) return
    try {
      const chunks = this.#chunks
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
      this.#chunks = []
      this.#body = body
      if (this.#media === RAW) this.#readRaw(body)
      else this.#readJson(body)
      this.#ask()
    } catch (error) {
      this.#fail(error)
    }
  }

  #readJson(body: Buffer): void {
    const { inputs, user, version } = parsePredictBody(body, this.#parts.limits.maxRows)
    this.#rows = inputs.length
    this.#pinned = version
    this.#assign(user)
    try {
      this.#encoded = this.#model.contract.inputs.encodeJson(inputs)
    } catch (error) {
      refuseDeep(body)
      throw error
    }
  }

  #readRaw(body: Buffer): void {
    const { inputs } = this.#model.contract
    const { maxRows } = this.#parts.limits
    const expected = inputs.rowBytes === null ? 0 : body.length / inputs.rowBytes
    if (expected > maxRows) throw tooManyRows(Math.ceil(expected), maxRows)
    this.#assign(undefined)
    this.#rows = inputs.checkRaw(body)
    this.#encoded = body
  }

  /** Unit → version. The unit is the header's, else the body's user, else the request itself. */
  #assign(user: string | undefined): void {
    const model = this.#model
    this.#unit ??= unitOf(this.#request.headers) ?? user
    let label = this.#pinned
    if (label === undefined) {
      const bucket = bucketOfUnit(model.seed, this.#unit ?? this.#subject.requestId)
      label = ownerOf(model.snapshot.slices, bucket)
      if (label === undefined) throw new SlipwayError('no_traffic', { model: model.name, retryAfterMs: 1000 })
      this.#bucket = bucket
    }
    const version = model.versions.get(label)
    if (version === undefined)
      throw new SlipwayError('unknown_version', { model: model.name, version: label.slice(0, 100) })
    this.#version = version
    if (this.#bucket !== null && this.#unit !== undefined)
      if (this.#parts.exposures.isFirst(model.seed, this.#bucket, this.#parts.clock.monotonicMs()))
        version.metrics.exposures++
  }

  #ask(): void {
    const nowMs = this.#parts.clock.monotonicMs()
    const leftMs = this.#timeoutMs - (nowMs - this.#startedMs)
    if (leftMs <= 0) throw new SlipwayError('deadline_exceeded', { timeoutMs: this.#timeoutMs })
    const member = this.#pick(nowMs)
    if (member === undefined) {
      this.#hold(nowMs)
      return
    }
    this.#member = member
    this.#upstreamId = member.replica.infer(
      this.#media === RAW
        ? { rows: this.#rows, body: this.#encoded as Buffer, deadlineMs: leftMs }
        : {
            rows: this.#rows,
            body: this.#encoded as Buffer,
            source: this.#body as Buffer,
            deadlineMs: leftMs,
          },
      (outcome) => this.#answered(member, outcome),
    )
  }

  /**
   * Nobody can be picked right now: while replicas connect, or one is replaced, a moment later somebody can. Waits so,
   * bounded by `holdUnreadyMs` and the deadline; a version that has no replica at all is told at once.
   */
  #hold(nowMs: number): void {
    const hasHope = (this.#version?.pool.members.length ?? 0) > 0
    const untilMs = this.#startedMs + Math.min(this.#parts.limits.holdUnreadyMs, this.#timeoutMs)
    if (!hasHope || nowMs + HOLD_STEP_MS > untilMs) throw this.#errorOf('replica_unready', {})
    setTimeout(() => {
      if (this.#isSettled) return
      try {
        this.#ask()
      } catch (error) {
        this.#fail(error)
      }
    }, HOLD_STEP_MS)
  }

  #pick(nowMs: number): PoolMember<Upstream> | undefined {
    const picked = this.#version?.pool.pick(nowMs, this.#tried)
    return picked ?? this.#pickFromNewTable(nowMs)
  }

  /** The snapshot that this request started with may name nobody any more; the newest one decides then. */
  #pickFromNewTable(nowMs: number): PoolMember<Upstream> | undefined {
    const model = this.#parts.table().models.get(this.#model.name)
    if (model === undefined || model === this.#model || model.contract !== this.#model.contract)
      return undefined
    this.#model = model
    this.#assign(undefined)
    return this.#version?.pool.pick(nowMs, this.#tried)
  }

  #answered(member: PoolMember<Upstream>, outcome: UpstreamOutcome): void {
    const nowMs = this.#parts.clock.monotonicMs()
    const isReached = outcome.ok || (outcome.code !== 'replica_lost' && outcome.code !== 'replica_unready')
    this.#version?.pool.release(member, isReached ? 'answered' : 'unreachable', nowMs)
    if (this.#isSettled) return
    try {
      if (outcome.ok) this.#answer(outcome)
      else if (this.#mayRetry(outcome)) this.#retry(member)
      else this.#fail(this.#errorOf(outcome.code, outcome.parameters))
    } catch (error) {
      this.#fail(error)
    }
  }

  #mayRetry(failure: UpstreamFailure): boolean {
    if (this.#retries >= this.#parts.limits.maxRetries) return false
    const isElsewhere = failure.code === 'replica_lost' || failure.code === 'replica_unready'
    return isElsewhere || (failure.code === 'overloaded' && failure.retrySafe && this.#hasOthers())
  }

  #hasOthers(): boolean {
    return (this.#version?.pool.members.length ?? 0) > (this.#tried?.length ?? 0) + 1
  }

  #retry(member: PoolMember<Upstream>): void {
    this.#retries++
    this.#tried ??= []
    this.#tried.push(member)
    this.#ask()
  }

  #answer(answer: UpstreamAnswer): void {
    const version = this.#version as GatewayVersion
    this.#queueMs = answer.queueUs / 1000
    // What a version does before its inference is work of that version too, and often most of it.
    this.#computeMs = (answer.computeUs + answer.preprocessUs) / 1000
    const isRaw = this.#request.headers.accept?.includes(RAW) === true
    // The answer's bytes belong to the connection's buffer, and the response may be written later than now.
    const body = isRaw ? Buffer.from(answer.body) : this.#jsonOf(answer, version)
    const encoding = typeof body === 'string' && answer.json !== undefined ? 'latin1' : 'utf8'
    const headers = [
      'content-type',
      isRaw ? RAW : 'application/json',
      'content-length',
      String(Buffer.byteLength(body, encoding)),
      headerNames.requestId,
      this.#subject.requestId,
      headerNames.model,
      this.#model.name,
      headerNames.version,
      version.label,
      headerNames.replica,
      (this.#member as PoolMember<Upstream>).replica.id,
      headerNames.queueMs,
      String(this.#queueMs),
      headerNames.computeMs,
      String(this.#computeMs),
    ]
    if (this.#parts.isStopping()) headers.push('connection', 'close')
    this.#isSettled = true
    this.#response.writeHead(200, headers).end(body, encoding)
    this.#giveBack()
    this.#note(200, undefined)
  }

  #jsonOf({ body, json, rows }: UpstreamAnswer, { jsonHead }: GatewayVersion): string {
    if (json === undefined) return `${jsonHead}${this.#model.contract.outputs.toJson(body, rows)}}`
    // Bytes that are passed on make a string of one character each, which goes out with the headers in one piece.
    return `${jsonHead}${json.toString('latin1')}}`
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#chunks = []
    if (this.#parts.isStopping()) this.#response.setHeader('connection', 'close')
    answerProblem(this.#request, this.#response, error, this.#told())
    this.#giveBack()
    this.#note(isSlipwayError(error) ? error.status : 500, error)
  }

  /** Before an answer: the client left, and the work is stopped wherever it is. */
  #closed(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#chunks = []
    if (this.#member !== undefined) this.#member.replica.cancel(this.#upstreamId)
    this.#giveBack()
    this.#note(CLIENT_LEFT, 'cancelled')
  }

  #giveBack(): void {
    this.#parts.buffered.bytes -= this.#bytes
    this.#parts.admission.release(this.#subject.budget)
  }

  #errorOf(code: UpstreamFailure['code'], parameters: UpstreamFailure['parameters']): SlipwayError {
    return new SlipwayError(code === 'cancelled' ? 'internal' : code, {
      model: this.#model.name,
      version: this.#version?.label ?? '',
      retryAfterMs: 1000,
      ...parameters,
      // What the client set, not what was left of it when the replica was asked.
      timeoutMs: this.#timeoutMs,
    })
  }

  #told() {
    return {
      requestId: this.#subject.requestId,
      model: this.#model.name,
      version: this.#version?.label,
      replica: this.#member?.replica.id,
    }
  }

  #note(status: number, error: unknown): void {
    const latencyMs = this.#parts.clock.monotonicMs() - this.#startedMs
    const code = error === undefined ? null : isSlipwayError(error) ? error.code : error
    const failure =
      code === null ? null : code === 'cancelled' ? code : isSlipwayError(error) ? error.code : 'internal'
    const outcome = failure === null ? 'ok' : outcomeOf(failure, status)
    const metrics = this.#version?.metrics ?? this.#model.metrics
    metrics.count(outcome, status, latencyMs, this.#rows, this.#retries)
    const { key, requestId } = this.#subject
    const record: RequestRecord = {
      requestId,
      at: this.#atMs,
      model: this.#model.name,
      version: this.#version?.label ?? null,
      replica: this.#member?.replica.id ?? null,
      tenant: key.tenant,
      key: key.publicId,
      assignment: this.#pinned === undefined ? 'split' : 'pinned',
      experiment: this.#bucket === null ? null : this.#model.snapshot.experiment,
      bucket: this.#bucket,
      status,
      outcome,
      code: failure,
      latencyMs,
      queueMs: this.#queueMs,
      computeMs: this.#computeMs,
      rows: this.#rows,
      retries: this.#retries,
    }
    if (outcome === 'error' && this.#model.snapshot.captureFailures) record.input = this.#captured()
    this.#parts.record(record)
  }

  #captured(): string {
    if (this.#body === undefined || this.#rows === 0) return '[]'
    if (this.#media === RAW)
      return capturedInput(this.#model.contract.inputs.toObjects(this.#body, this.#rows))
    return capturedInput((JSON.parse(this.#body.toString('utf8')) as { inputs: unknown[] }).inputs)
  }
}
