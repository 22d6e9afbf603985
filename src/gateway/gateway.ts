import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { headerNames, type SnapshotKey } from '../contracts/index.ts'
import {
  type Clock,
  isSlipwayError,
  type Logger,
  type Random,
  requestIdSource,
  SlipwayError,
} from '../kernel/index.ts'
import type { Upstream } from '../providers/index.ts'
import { Admission, ExposureCounter, type KeyBudget, type Refusal, SnapshotHolder } from '../routing/index.ts'
import { credentialOf, isKey } from './auth/credential.ts'
import { ControlDoor } from './control-door.ts'
import { fetchFromControl } from './files/fetch-file.ts'
import { inlineFiles } from './files/inline-files.ts'
import { type CompiledContract, compileContract, type GatewayTable, gatewayTable } from './gateway-table.ts'
import { createHttp1Server } from './http1/server.ts'
import type { SharedLimits } from './leases/shared-limits.ts'
import type { GatewayLimits } from './limits.ts'
import { type GatewayGauges, renderMetrics } from './metrics/render.ts'
import { VersionMetricsTable } from './metrics/version-metrics.ts'
import { openUpstream } from './open-upstream.ts'
import { PredictCall, type PredictParts } from './predict/predict-call.ts'
import { answerProblem, answerText, type ProblemForm } from './server/answer.ts'
import type { HttpRequest, HttpResponse, HttpServer } from './server/http.ts'
import { createNodeHttpServer } from './server/http-server.ts'
import { type Dispatched, dispatch, isOfControl } from './server/route-table.ts'
import { SnapshotClient } from './snapshot/snapshot-client.ts'
import { loadSnapshot } from './snapshot/snapshot-file.ts'
import { SnapshotTaker } from './snapshot/snapshot-taker.ts'
import { type BatchPoster, batchPoster } from './telemetry/post-batch.ts'
import { TelemetrySender } from './telemetry/sender.ts'
import { Spill } from './telemetry/spill.ts'
import { isText } from './text/model-list.ts'
import { StateOut } from './text/state-out.ts'
import { TextFront, type TextOptions } from './text/text-front.ts'

export interface GatewayOptions {
  /** `gateway-1`; with the start it makes the name that batches carry. */
  readonly name: string
  readonly host: string
  /** 0 for any. */
  readonly port: number
  readonly reusePort: boolean
  /** Who reads HTTP/1.1: `node:http` (default), or the strict codec of our own. */
  readonly http?: 'strict' | 'node'
  readonly controlUrl: string
  readonly internalKey: string
  readonly pepper: Uint8Array
  /** Holds `snapshot.json` and `spill/`. */
  readonly folder: string
  readonly limits: GatewayLimits
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Left out: this gateway counts limits for itself. Closed by who made it, after the gateway. */
  readonly shared?: SharedLimits | undefined
  /** Surfaces and neighbours of models of text; what is left out is plain. */
  readonly text?: TextOptions
}

const EXPOSURE_WINDOW_MS = 60_000
/** Lines of batches leave the other half of the places to those who wait for their answers. */
const BATCH_SHARE = 0.5
const SEGMENT_BYTES = 4 * 1024 * 1024

/**
 * The front door of traffic. It works from snapshots that control sends, keeps the last one on disk, and serves on when
 * control is gone; what it saw goes to control when that is back.
 *
 * start: stored snapshot in use → listening → following control.
 * stop: not ready → no new connections → requests in flight end → records sent or spilled.
 */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #server: HttpServer
  readonly #holder: SnapshotHolder<Upstream, CompiledContract>
  readonly #taker: SnapshotTaker
  readonly #client: SnapshotClient
  readonly #poster: BatchPoster
  readonly #controlDoor: ControlDoor
  readonly #spill: Spill
  readonly #sender: TelemetrySender
  readonly #stateOut: StateOut
  readonly #metrics = new VersionMetricsTable()
  readonly #admission: Admission
  readonly #predict: PredictParts
  readonly #text: TextFront
  readonly #nextRequestId = requestIdSource()
  readonly #loopDelay = monitorEventLoopDelay({ resolution: 20 })
  #table: GatewayTable | undefined
  #isStopping = false
  #unauthenticated = 0
  #refusedEarly = 0

  constructor(options: GatewayOptions) {
    const { clock, limits, log, random } = options
    this.#options = options
    this.#admission = new Admission(limits.maxInFlight)
    const createServer = options.http === 'strict' ? createHttp1Server : createNodeHttpServer
    this.#server = createServer(limits.server, this.#nextRequestId, (request, response, expectsContinue) =>
      this.#handle(request, response, expectsContinue),
    )
    this.#holder = new SnapshotHolder<Upstream, CompiledContract>({
      openReplica: (replica, model, version) =>
        openUpstream({ replica, model: model.model, version, contract: compileContract(model) }, options),
      retireReplica: (replica) => {
        replica.close().catch((error: unknown) => log.error({ err: error }, 'replica not closed'))
      },
      compile: compileContract,
      clock,
      random,
    })
    this.#taker = new SnapshotTaker({
      holder: this.#holder,
      clock,
      log,
      path: this.#snapshotPath,
      connectGraceMs: limits.connectGraceMs,
      onTable: (table, snapshot) => {
        this.#text.follow(snapshot)
        this.#table = gatewayTable(table, options.pepper, this.#metrics, this.#text.table)
        this.#admission.keepOnly(new Set(table.keys.keys()))
      },
    })
    this.#client = new SnapshotClient({ ...options, onSnapshot: (snapshot) => this.#taker.take(snapshot) })
    this.#poster = batchPoster(options.controlUrl, options.internalKey)
    this.#controlDoor = new ControlDoor(options.controlUrl)
    this.#spill = new Spill({
      folder: join(options.folder, 'spill'),
      maxBytes: limits.spillBytes,
      segmentBytes: SEGMENT_BYTES,
    })
    this.#sender = new TelemetrySender({
      gateway: `${options.name}.${clock.nowMs().toString(36)}`,
      post: this.#poster.post,
      spill: this.#spill,
      clock,
      random,
      log,
    })
    this.#predict = {
      clock,
      limits,
      admission: this.#admission,
      exposures: new ExposureCounter(EXPOSURE_WINDOW_MS),
      buffered: { bytes: 0 },
      record: (record) => this.#sender.record(record),
      table: () => this.#table as GatewayTable,
      isStopping: () => this.#isStopping,
    }
    const files = inlineFiles(
      fetchFromControl(options.controlUrl, options.internalKey),
      limits.text.maxBodyBytes,
    )
    this.#text = new TextFront(options.text ?? {}, { ...this.#predict, files, log })
    const { controlUrl, internalKey, name } = options
    this.#stateOut = new StateOut(
      name,
      () => this.#text.state(clock.monotonicMs(), clock.nowMs()),
      batchPoster(controlUrl, internalKey, '/internal/v1/text-state'),
      clock,
    )
  }

  /** Nearly all places are taken: time to give those who can wait something lighter. */
  get isOverloaded(): boolean {
    return this.#admission.inFlight > 0.8 * this.#options.limits.maxInFlight
  }

  get #snapshotPath(): string {
    return join(this.#options.folder, 'snapshot.json')
  }

  /** Resolves to the port when it listens. Throws `port_in_use`. */
  async start(): Promise<number> {
    const { host, log, name, port, reusePort } = this.#options
    const stored = await loadSnapshot(this.#snapshotPath, log)
    if (stored !== undefined) {
      this.#taker.take(stored, true)
      await this.#taker.settled()
    }
    const taken = await this.#server.listen({ host, port, reusePort }, 'SLIPWAY_GATEWAY_PORT')
    this.#loopDelay.enable()
    this.#sender.start()
    this.#stateOut.start()
    this.#client.start()
    log.info({ gateway: name, host, port: taken, fromDisk: stored !== undefined }, 'gateway listened')
    return taken
  }

  /** Idempotent. Resolves when nothing is in flight and no record is left in memory. */
  async stop(): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    const { clock, limits, log } = this.#options
    await Promise.all([this.#client.stop(), this.#stateOut.stop()])
    this.#server.stopAccepting()
    // Clients with a kept connection may be sending right now; they get their answer and `connection: close`.
    await clock.sleep(limits.stopGraceMs)
    const endsMs = clock.monotonicMs() + limits.stopTimeoutMs
    while (this.#admission.inFlight > 0 && clock.monotonicMs() < endsMs) await clock.sleep(10)
    if (this.#admission.inFlight > 0) log.warn({ cut: this.#admission.inFlight }, 'requests cut at stop')
    this.#server.closeIdleConnections()
    await clock.sleep(20)
    this.#server.closeAllConnections()
    await this.#taker.settled()
    this.#holder.close()
    this.#text.close()
    await this.#sender.stop()
    this.#poster.close()
    this.#controlDoor.close()
    this.#loopDelay.disable()
    log.info({}, 'gateway stopped')
  }

  #handle(request: HttpRequest, response: HttpResponse, expectsContinue: boolean): void {
    const startedMs = this.#options.clock.monotonicMs()
    const requestId = this.#nextRequestId()
    let form: ProblemForm | undefined
    try {
      const url = request.url as string
      const mark = url.indexOf('?')
      const path = mark < 0 ? url : url.slice(0, mark)
      const query = mark < 0 ? '' : url.slice(mark + 1)
      const found = dispatch(request.method as string, path)
      if (found === undefined || 'length' in found) {
        this.#noSuchRoute(request, response, requestId, path, found)
        return
      }
      form = this.#text.formOf(found, request.headers)
      const key = found.access === 'public' ? undefined : this.#authorize(request, found.access)
      if (found.name === 'predict')
        this.#predictFor(request, response, { requestId, found, key, query, expectsContinue, startedMs })
      else if (isOfControl(found.name))
        this.#controlFor(
          request,
          response,
          { requestId, key: key as SnapshotKey, expectsContinue, startedMs },
          form,
        )
      else if (found.access === 'predict') {
        const arrived = { requestId, found, key: key as SnapshotKey, expectsContinue, startedMs }
        this.#textFor(request, response, arrived, form)
      } else this.#operate(request, response, requestId, found)
    } catch (error) {
      if (!isSlipwayError(error)) this.#options.log.error({ err: error, requestId }, 'request broke')
      answerProblem(request, response, error, { requestId }, form)
    }
  }

  #authorize(request: HttpRequest, access: Exclude<Dispatched['access'], 'public'>): SnapshotKey {
    const table = this.#table
    if (table === undefined) throw new SlipwayError('control_unavailable', { url: this.#options.controlUrl })
    try {
      const credential = credentialOf(request.headers)
      const actsFor = actsForOf(request)
      if (actsFor === undefined) return table.keys.authorize(credential, access, this.#options.clock.nowMs())
      if (access !== 'predict' || !isKey(credential, this.#options.internalKey))
        throw new SlipwayError('unauthenticated')
      return table.keys.actFor(actsFor, access, this.#options.clock.nowMs())
    } catch (error) {
      this.#unauthenticated++
      throw error
    }
  }

  #predictFor(
    request: HttpRequest,
    response: HttpResponse,
    call: {
      requestId: string
      found: Dispatched
      key: SnapshotKey | undefined
      query: string
      expectsContinue: boolean
      startedMs: number
    },
  ): void {
    const { expectsContinue, found, query, requestId, startedMs } = call
    const table = this.#table as GatewayTable
    const key = call.key as SnapshotKey
    const model = table.models.get(found.parameter)
    const budget = this.#admission.budgetOf(key.publicId, key.limits)
    const refusal = this.#admission.admit(budget, startedMs)
    if (model === undefined) {
      if (refusal !== undefined) {
        this.#refusedEarly++
        throw refusedBy(refusal)
      }
      this.#admission.release(budget)
      throw new SlipwayError('unknown_model', { model: found.parameter.slice(0, 100) })
    }
    if (isText(model)) {
      const arrival = {
        requestId,
        key,
        budget,
        modelName: found.parameter,
        expectsContinue,
        errors: undefined,
      }
      const rows = this.#text.predict(arrival, request, response, startedMs)
      this.#begin(rows, response, key.publicId, budget, refusal)
      return
    }
    const subject = { requestId, key, budget, model, table, query, expectsContinue }
    const predict = new PredictCall(this.#predict, subject, request, response, startedMs)
    this.#begin(predict, response, key.publicId, budget, refusal)
  }

  #textFor(
    request: HttpRequest,
    response: HttpResponse,
    arrived: {
      requestId: string
      found: Dispatched
      key: SnapshotKey
      expectsContinue: boolean
      startedMs: number
    },
    form: ProblemForm | undefined,
  ): void {
    const { expectsContinue, found, key, requestId, startedMs } = arrived
    if (this.#text.answerList(found, this.#table as GatewayTable, request, response, requestId)) return
    const budget = this.#admission.budgetOf(key.publicId, key.limits)
    const modelName = found.parameter === '' ? undefined : found.parameter
    const arrival = { requestId, key, budget, modelName, expectsContinue, errors: form }
    // Made before a place is taken, so that nothing that throws here can keep one.
    const call = this.#text.call(found, arrival, request, response, startedMs)
    const share = actsForOf(request) === undefined ? 1 : BATCH_SHARE
    const refusal = this.#admission.admit(budget, startedMs, share)
    this.#begin(call, response, key.publicId, budget, refusal)
  }

  /** Starts a call that is admitted here and by what all gateways share; else tells it why not. */
  #begin(
    call: { start(): void; refuse(error: SlipwayError): void },
    response: HttpResponse,
    publicId: string,
    budget: KeyBudget,
    refusal: Refusal | undefined,
  ): void {
    const settle = (shared: Refusal | undefined) => {
      if (shared === undefined) call.start()
      else {
        this.#admission.release(budget)
        this.#refusedEarly++
        call.refuse(refusedBy(shared))
      }
    }
    if (refusal !== undefined) {
      this.#refusedEarly++
      call.refuse(refusedBy(refusal))
      return
    }
    const shared = this.#options.shared?.admit(publicId, budget)
    if (!(shared instanceof Promise)) settle(shared)
    else
      shared
        .then((late) => {
          settle(late)
          // The client left meanwhile, which nobody told the call, as it had not begun.
          if (late === undefined && response.closed) response.emit('close')
        })
        .catch((error: unknown) => this.#options.log.error({ err: error }, 'request broke'))
  }

  #controlFor(
    request: HttpRequest,
    response: HttpResponse,
    asked: { requestId: string; key: SnapshotKey; expectsContinue: boolean; startedMs: number },
    form: ProblemForm | undefined,
  ): void {
    const budget = this.#admission.budgetOf(asked.key.publicId, asked.key.limits)
    const refusal = this.#admission.admit(budget, asked.startedMs)
    if (refusal !== undefined) {
      this.#refusedEarly++
      throw refusedBy(refusal)
    }
    response.once('close', () => this.#admission.release(budget))
    if (asked.expectsContinue) response.writeContinue()
    // Control proves the key again: what it answers is only as new as its own store.
    const credential = credentialOf(request.headers) as string
    this.#controlDoor.pass(request, response, { requestId: asked.requestId, credential, form })
  }

  #operate(request: HttpRequest, response: HttpResponse, requestId: string, found: Dispatched): void {
    if (found.name === 'gatewayLive') answerText(request, response, 200, requestId, 'ok\n')
    else if (found.name === 'gatewayReady') {
      const isReady = this.#table !== undefined && !this.#isStopping
      answerText(request, response, isReady ? 200 : 503, requestId, isReady ? 'ready\n' : 'not ready\n')
    } else {
      const shared = this.#options.shared?.metricsText ?? ''
      const text = renderMetrics(this.#metrics.all(), this.#gauges()) + this.#text.metricsText + shared
      answerText(request, response, 200, requestId, text, 'text/plain; version=0.0.4; charset=utf-8')
    }
  }

  #noSuchRoute(
    request: HttpRequest,
    response: HttpResponse,
    requestId: string,
    wholePath: string,
    allow: readonly string[] | undefined,
  ): void {
    const method = request.method as string
    const path = wholePath.slice(0, 200)
    const error =
      allow === undefined
        ? new SlipwayError('unknown_route', { method, path })
        : new SlipwayError('method_not_allowed', { method, path, allowed: allow.join(', ') })
    answerProblem(request, response, error, { requestId, allow })
  }

  #gauges(): GatewayGauges {
    const table = this.#table
    const { queued, sent, dropped } = this.#sender.state
    const nowMs = this.#options.clock.monotonicMs()
    const seconds = (nanoseconds: number) => nanoseconds / 1e9
    const delay = this.#loopDelay
    const eventLoopDelaySeconds = {
      p50: seconds(delay.percentile(50)),
      p99: seconds(delay.percentile(99)),
      max: seconds(delay.max),
    }
    delay.reset()
    return {
      inFlight: this.#admission.inFlight,
      connections: this.#server.connections,
      unauthenticated: this.#unauthenticated,
      requestsRefusedEarly: this.#refusedEarly,
      telemetryQueued: queued,
      telemetrySent: sent,
      telemetryDropped: dropped,
      spillBytes: this.#spill.bytes,
      spillBatches: this.#spill.batches,
      snapshotRevision: table?.revision ?? -1,
      snapshotAgeSeconds:
        table === undefined ? 0 : Math.max(0, (this.#options.clock.nowMs() - table.createdAt) / 1000),
      controlConnected: this.#client.isConnected,
      residentBytes: process.memoryUsage.rss(),
      eventLoopDelaySeconds,
      replicas: [...(table?.models.values() ?? [])].flatMap((model) =>
        [...model.versions.values()].map(({ label, pool }) => ({
          model: model.name,
          version: label,
          ready: pool.available(nowMs),
          inFlight: pool.members.reduce((sum, member) => sum + member.inFlight, 0),
        })),
      ),
    }
  }
}

/** A process of the installation may name the key that it asks for. */
function actsForOf({ headers }: HttpRequest): string | undefined {
  const publicId = headers[headerNames.onBehalfOf]
  return publicId === undefined ? undefined : String(publicId)
}

function refusedBy({ code, limit, retryAfterMs }: Refusal): SlipwayError {
  return new SlipwayError(code, { what: 'The gateway', limit, retryAfterMs })
}
