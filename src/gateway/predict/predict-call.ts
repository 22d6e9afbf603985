import type { RequestRecord, SnapshotKey } from '../../contracts/index.ts'
import { type Clock, isSlipwayError, SlipwayError } from '../../kernel/index.ts'
import type { Upstream, UpstreamAnswer, UpstreamFailure, UpstreamOutcome } from '../../providers/index.ts'
import type { Admission, ExposureCounter, KeyBudget, PoolMember } from '../../routing/index.ts'
import { assignVersion, noteExposure } from '../assign-version.ts'
import type { GatewayModel, GatewayTable, GatewayVersion } from '../gateway-table.ts'
import type { GatewayLimits } from '../limits.ts'
import { answerProblem } from '../server/answer.ts'
import { BodyIntake, type IntakeOwner } from '../server/body-intake.ts'
import type { HttpRequest, HttpResponse } from '../server/http.ts'
import { answerRows } from './answer-rows.ts'
import { parsePredictBody, refuseDeep, tooManyRows } from './predict-body.ts'
import { CLIENT_LEFT, capturedInput, countedRecord } from './record.ts'
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
export class PredictCall implements IntakeOwner {
  readonly #parts: PredictParts
  readonly #subject: PredictSubject
  readonly #request: HttpRequest
  readonly #response: HttpResponse
  readonly #startedMs: number
  readonly #atMs: number
  readonly #intake: BodyIntake
  #model: GatewayModel
  #timeoutMs = 0
  #media = ''
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
    request: HttpRequest,
    response: HttpResponse,
    startedMs: number,
  ) {
    this.#parts = parts
    this.#subject = subject
    this.#request = request
    this.#response = response
    this.#startedMs = startedMs
    this.#atMs = parts.clock.nowMs()
    this.#model = subject.model
    this.#intake = new BodyIntake(parts.limits, parts.buffered, this)
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
    this.#intake.start(this.#request)
  }

  /** A limit turned the request away; nothing of it was read. */
  refuse(error: SlipwayError): void {
    this.#isSettled = true
    answerProblem(this.#request, this.#response, error, this.#told())
    this.#note(error.status, error)
  }

  body(body: Buffer): void {
    try {
      this.#body = body
      if (this.#media === RAW) this.#readRaw(body)
      else this.#readJson(body)
      this.#ask()
    } catch (error) {
      this.#fail(error)
    }
  }

  refused(error: SlipwayError): void {
    this.#fail(error)
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
    const { clock, exposures } = this.#parts
    this.#unit ??= unitOf(this.#request.headers) ?? user
    const { requestId } = this.#subject
    const assigned = assignVersion(this.#model, { pinned: this.#pinned, unit: this.#unit, requestId })
    this.#version = assigned.version
    this.#bucket = assigned.bucket
    noteExposure(exposures, this.#model, assigned, this.#unit, clock.monotonicMs())
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
    this.#queueMs = answer.queueUs / 1000
    // What a version does before its inference is work of that version too, and often most of it.
    this.#computeMs = (answer.computeUs + answer.preprocessUs) / 1000
    const told = {
      requestId: this.#subject.requestId,
      model: this.#model,
      version: this.#version as GatewayVersion,
      replica: (this.#member as PoolMember<Upstream>).replica.id,
      queueMs: this.#queueMs,
      computeMs: this.#computeMs,
      isLast: this.#parts.isStopping(),
    }
    answerRows(this.#response, this.#request.headers.accept, told, answer)
    this.#isSettled = true
    this.#giveBack()
    this.#note(200, undefined)
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#intake.stop()
    if (this.#parts.isStopping()) this.#response.setHeader('connection', 'close')
    answerProblem(this.#request, this.#response, error, this.#told())
    this.#giveBack()
    this.#note(isSlipwayError(error) ? error.status : 500, error)
  }

  /** Before an answer: the client left, and the work is stopped wherever it is. */
  #closed(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#intake.stop()
    if (this.#member !== undefined) this.#member.replica.cancel(this.#upstreamId)
    this.#giveBack()
    this.#note(CLIENT_LEFT, 'cancelled')
  }

  #giveBack(): void {
    this.#intake.giveBack()
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
    const { key, requestId } = this.#subject
    const record = countedRecord({
      requestId,
      atMs: this.#atMs,
      key,
      model: this.#model,
      version: this.#version,
      replica: this.#member?.replica.id,
      isPinned: this.#pinned !== undefined,
      bucket: this.#bucket,
      status,
      error,
      latencyMs: this.#parts.clock.monotonicMs() - this.#startedMs,
      queueMs: this.#queueMs,
      computeMs: this.#computeMs,
      rows: this.#rows,
      retries: this.#retries,
    })
    if (record.outcome === 'error' && this.#model.snapshot.captureFailures) record.input = this.#captured()
    this.#parts.record(record)
  }

  #captured(): string {
    if (this.#body === undefined || this.#rows === 0) return '[]'
    if (this.#media === RAW)
      return capturedInput(this.#model.contract.inputs.toObjects(this.#body, this.#rows))
    return capturedInput((JSON.parse(this.#body.toString('utf8')) as { inputs: unknown[] }).inputs)
  }
}
