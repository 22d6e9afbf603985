import {
  defaultServingPolicy,
  headerNames,
  type RequestRecord,
  type ServingPolicy,
  type SnapshotKey,
  type TextRecord,
} from '../../contracts/index.ts'
import { isSlipwayError, SlipwayError } from '../../kernel/index.ts'
import type { Admission, ExposureCounter, KeyBudget } from '../../routing/index.ts'
import { assignVersion, noteExposure } from '../assign-version.ts'
import type { InlineFiles } from '../files/inline-files.ts'
import type { GatewayModel, GatewayVersion } from '../gateway-table.ts'
import { CLIENT_LEFT, capturedInput } from '../predict/record.ts'
import { JSON_MEDIA, mediaOf, timeoutOf, unitOf } from '../predict/request-options.ts'
import { answerProblem, type ProblemForm, type ProblemHeaders } from '../server/answer.ts'
import { BodyIntake } from '../server/body-intake.ts'
import type { HttpRequest, HttpResponse } from '../server/http.ts'
import type { AskParts } from './asker.ts'
import { noteRequest } from './note-request.ts'
import { notText } from './rung-failures.ts'
import type { StreamKeeper } from './stream-keeper.ts'
import type { TextVersion } from './text-version.ts'

/** What all text calls of a gateway share. */
export interface TextCallParts extends AskParts {
  readonly admission: Admission
  readonly exposures: ExposureCounter
  readonly buffered: { bytes: number }
  readonly keeper: StreamKeeper
  /** Left out: ids of files go on as they are. */
  readonly files?: InlineFiles | undefined
  readonly record: (record: RequestRecord) => void
  readonly isStopping: () => boolean
}

/** What was found out before the body: who asks, by which path. */
export interface Arrival {
  readonly requestId: string
  readonly key: SnapshotKey
  readonly budget: KeyBudget
  /** As the path names it; undefined where the body does. */
  readonly modelName: string | undefined
  readonly expectsContinue: boolean
  /** How errors are written; left out: RFC 9457. */
  readonly errors: ProblemForm | undefined
}

/**
 * What every request for text has in common, whatever it says and however it is answered:
 *
 * admitted ──body──▶ read ──▶ working ──▶ done (the client has all it gets) ──▶ settled (nothing runs, record written)
 *
 * Error, deadline and the client's leaving lead to done from anywhere; settled follows when the work has ended. Each is
 * reached once. Under the policy `drain` the work goes on after the client left.
 */
export abstract class TextHttpCall {
  protected readonly parts: TextCallParts
  protected readonly arrival: Arrival
  protected readonly request: HttpRequest
  protected readonly response: HttpResponse
  protected readonly startedMs: number
  protected readonly atMs: number
  protected timeoutMs = 0
  protected isTimeoutAsked = false
  protected model: GatewayModel | undefined
  protected version: GatewayVersion | undefined
  protected isPinned = false
  protected isDone = false
  protected isClosed = false
  protected rows = 1
  #bucket: number | null = null
  readonly #intake: BodyIntake
  #timer: NodeJS.Timeout | undefined
  #status = 0
  #failure: SlipwayError | 'cancelled' | undefined
  #doneMs = 0
  #isSettled = false
  #isAdmitted = true

  constructor(
    parts: TextCallParts,
    arrival: Arrival,
    request: HttpRequest,
    response: HttpResponse,
    startedMs: number,
  ) {
    this.parts = parts
    this.arrival = arrival
    this.request = request
    this.response = response
    this.startedMs = startedMs
    this.atMs = parts.clock.nowMs()
    const { bounds, buffered } = parts
    this.#intake = new BodyIntake(
      { maxBodyBytes: bounds.text.maxBodyBytes, maxBufferedBytes: bounds.maxBufferedBytes },
      buffered,
      this,
    )
  }

  /** The request was admitted; gives the place back when it settles. */
  start(): void {
    const { text } = this.parts.bounds
    this.response.on('close', () => this.#closed())
    try {
      const { headers } = this.request
      if (mediaOf(headers) !== JSON_MEDIA)
        throw new SlipwayError('unsupported_media_type', { mediaType: headers['content-type'] ?? 'raw rows' })
      this.timeoutMs = timeoutOf(headers, text)
      this.isTimeoutAsked = headers[headerNames.timeoutMs] !== undefined
      const length = headers['content-length']
      if (length !== undefined && Number(length) > text.maxBodyBytes)
        throw new SlipwayError('body_too_large', { limitBytes: text.maxBodyBytes })
    } catch (error) {
      this.fail(error)
      return
    }
    this.#timer = setTimeout(deadlineOf, this.timeoutMs, this)
    if (this.arrival.expectsContinue) this.response.writeContinue()
    this.#intake.start(this.request)
  }

  /** A limit turned the request away; nothing of it was read and no place was taken. */
  refuse(error: SlipwayError): void {
    this.#isAdmitted = false
    const { modelName } = this.arrival
    if (modelName !== undefined) this.model = this.parts.table().models.get(modelName)
    this.fail(error)
  }

  body(bytes: Buffer): void {
    const inlined = this.parts.files?.inlined(bytes, this.arrival.key.publicId)
    if (inlined === undefined) this.#read(bytes)
    else
      inlined.then(
        (whole) => {
          if (this.isDone) return
          this.#intake.grew(whole.length - bytes.length)
          this.#read(whole)
        },
        (error: unknown) => this.fail(error),
      )
  }

  #read(bytes: Buffer): void {
    try {
      this.read(bytes)
    } catch (error) {
      this.fail(error)
    }
  }

  refused(error: SlipwayError): void {
    this.fail(error)
  }

  deadline(timeoutMs = this.timeoutMs): void {
    if (!this.isDone) this.fail(new SlipwayError('deadline_exceeded', { timeoutMs }))
    else this.stopWork()
  }

  /** The whole body. Whatever it throws is answered. */
  protected abstract read(bytes: Buffer): void
  /** Stops what runs; `settle` is called once nothing does. */
  protected abstract stopWork(): void
  protected abstract isWorking(): boolean
  /** The client left, and the policy lets the work end by itself. */
  protected abstract drainWork(): void
  /** After the head of a stream was sent an error is an event of it. */
  protected abstract failInStream(error: SlipwayError): boolean
  protected abstract told(): ProblemHeaders
  protected abstract textRecord(): TextRecord | undefined
  /** The rows of a request that failed, as they can be sent again. */
  protected abstract capturedRows(): readonly unknown[]

  protected get serving(): ServingPolicy {
    return this.model?.snapshot.serving ?? defaultServingPolicy
  }

  /** Model → version, by name or by the unit's place; as rows are assigned. Throws what the client got wrong. */
  protected assign(name: string, pinned: string | undefined, user: string | undefined): TextVersion {
    const { clock, exposures } = this.parts
    const model = this.parts.table().models.get(name)
    if (model === undefined) throw new SlipwayError('unknown_model', { model: name.slice(0, 100) })
    this.model = model
    this.isPinned = pinned !== undefined
    const unit = unitOf(this.request.headers) ?? user
    const { requestId } = this.arrival
    const assigned = assignVersion(model, { pinned, unit, requestId })
    const { bucket, version } = assigned
    this.#bucket = bucket
    if (version.text === undefined) throw notText({ model: model.snapshot }, version.label)
    this.version = version
    noteExposure(exposures, model, assigned, unit, clock.monotonicMs())
    return version.text
  }

  /** The head of every good answer. */
  protected head(contentType: string, told: ProblemHeaders): string[] {
    const headers = ['content-type', contentType, headerNames.requestId, told.requestId]
    if (told.model !== undefined) headers.push(headerNames.model, told.model)
    if (told.version !== undefined) headers.push(headerNames.version, told.version)
    if (told.replica !== undefined) headers.push(headerNames.replica, told.replica)
    if (told.fallback !== undefined) headers.push(headerNames.fallback, told.fallback)
    if (this.parts.isStopping()) headers.push('connection', 'close')
    return headers
  }

  /** The client has all it gets. */
  protected done(status: number, failure: SlipwayError | 'cancelled' | undefined): void {
    if (this.isDone) return
    this.isDone = true
    this.#status = status
    this.#failure = failure
    this.#doneMs = this.parts.clock.monotonicMs()
    this.#intake.stop()
  }

  protected fail(error: unknown): void {
    if (this.isDone) return
    const known = isSlipwayError(error) ? error : new SlipwayError('internal', {}, { cause: error })
    if (this.failInStream(known)) this.done(200, known)
    else {
      if (this.parts.isStopping()) this.response.setHeader('connection', 'close')
      const { arrival, request, response } = this
      this.done(answerProblem(request, response, known, this.told(), arrival.errors), known)
    }
    if (this.isWorking()) this.stopWork()
    else this.settle()
  }

  #closed(): void {
    this.isClosed = true
    if (this.isDone) {
      this.afterClose()
      return
    }
    this.done(CLIENT_LEFT, 'cancelled')
    if (!this.isWorking()) this.settle()
    else if (this.serving.onDisconnect === 'drain') this.drainWork()
    else this.stopWork()
  }

  /** The connection is done with the answer. */
  protected afterClose(): void {}

  /** Nothing runs any more. */
  protected settle(): void {
    if (this.#isSettled || !this.isDone) return
    this.#isSettled = true
    clearTimeout(this.#timer)
    this.#intake.giveBack()
    if (this.#isAdmitted) this.parts.admission.release(this.arrival.budget)
    this.#note()
  }

  protected get isSettled(): boolean {
    return this.#isSettled
  }

  #note(): void {
    const { arrival, model, version } = this
    if (model === undefined) return
    noteRequest(this.parts, {
      requestId: arrival.requestId,
      atMs: this.atMs,
      key: arrival.key,
      model,
      version,
      replica: this.told().replica,
      isPinned: this.isPinned,
      bucket: this.#bucket,
      status: this.#status,
      failure: this.#failure,
      latencyMs: this.#doneMs - this.startedMs,
      rows: this.rows,
      text: this.textRecord(),
      captured: () => this.#captured(),
    })
  }

  #captured(): string {
    try {
      return capturedInput(this.capturedRows())
    } catch {
      // What could not be read cannot be sent again either.
      return '[]'
    }
  }
}

function deadlineOf(call: TextHttpCall): void {
  call.deadline()
}
