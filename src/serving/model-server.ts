import { readFile } from 'node:fs/promises'
import type { BatchPolicy, ReplicaSpec, ReplicaStatus } from '../contracts/index.ts'
import {
  type Clock,
  digestOf,
  isSlipwayError,
  type Logger,
  SlipwayError,
  toProblem,
} from '../kernel/index.ts'
import { BatchMemory, compileRows, createLinkServer, type LinkServer, type RowCodec } from '../link/index.ts'
import { checkedFiles } from './artifact-digest.ts'
import { runBatch } from './batch-runner.ts'
import { Batcher } from './batcher/batcher.ts'
import { systemTimers } from './batcher/system-timers.ts'
import type { Engine } from './engine.ts'
import { createEngine } from './engines.ts'
import { Health } from './health.ts'
import { intake } from './intake.ts'
import { type ReplicaMetrics, replicaMetrics } from './metrics.ts'
import { loadPreprocess, type Preprocess } from './preprocess.ts'
import { type Probes, startProbes } from './probes.ts'
import type { RequestPart } from './request-part.ts'
import { writeStatus } from './status-file.ts'
import { warmUp } from './warm-up.ts'

/** Bytes a gateway may have outstanding at a replica. */
const CREDIT_BYTES = 64 * 1024 * 1024

export interface ModelServerOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Process start, ms since the epoch. */
  readonly startedAt: number
}

export interface ModelServer {
  readonly status: ReplicaStatus
  /** Not ready any more; finishes what it was sent, then closes everything. Idempotent. */
  drain(): Promise<void>
}

/**
 * One version in one process: starting → ready → draining, or failed. Resolves when it is ready; rejects when the
 * version cannot be served, with `status.json` saying why. In order: files checked, model loaded, one inference done,
 * and only then the socket that gateways look for.
 */
export async function startModelServer(spec: ReplicaSpec, options: ModelServerOptions): Promise<ModelServer> {
  const server = new Replica(spec, options)
  await server.start()
  return server
}

class Replica implements ModelServer {
  readonly #spec: ReplicaSpec
  readonly #options: ModelServerOptions
  readonly #health: Health
  readonly #inputs: RowCodec
  readonly #outputs: RowCodec
  readonly #engine: Engine
  readonly #metrics: ReplicaMetrics
  #batcher: Batcher<RequestPart> | undefined
  #link: LinkServer | undefined
  #probes: Probes | undefined
  #preprocess: Preprocess | undefined
  #status: ReplicaStatus
  #drained: Promise<void> | undefined

  constructor(spec: ReplicaSpec, options: ModelServerOptions) {
    this.#spec = spec
    this.#options = options
    const { clock } = options
    const { contract, engine } = spec.spec
    this.#health = new Health(clock, () => this.#link?.inFlight ?? 0)
    this.#inputs = compileRows(contract.inputs, spec.model)
    this.#outputs = compileRows(contract.outputs, spec.model)
    this.#engine = createEngine(engine, clock)
    this.#metrics = replicaMetrics({
      labels: { model: spec.model, version: spec.label, replica: spec.replicaId },
      batcher: () => this.#batcher as Batcher<RequestPart>,
      health: this.#health,
      connections: () => this.#link?.connections ?? 0,
    })
    this.#status = {
      replicaId: spec.replicaId,
      pid: process.pid,
      phase: 'starting',
      address: spec.address,
      httpUrl: null,
      startedAt: options.startedAt,
      loadMs: null,
      failure: null,
    }
  }

  get status(): ReplicaStatus {
    return this.#status
  }

  async start(): Promise<void> {
    const { logger, clock, startedAt } = this.#options
    try {
      const internalKey = (await readFile(this.#spec.internalKeyFile, 'utf8')).trim()
      this.#batcher = this.#makeBatcher(this.#spec.spec.batching)
      this.#probes = await startProbes({
        health: this.#health,
        registry: this.#metrics.registry,
        internalKey,
      })
      this.#become({ phase: 'starting', httpUrl: this.#probes.url })
      await this.#load()
      await warmUp({
        spec: this.#spec,
        clock,
        logger,
        engine: this.#engine,
        preprocess: this.#preprocess,
        inputs: this.#inputs,
        outputs: this.#outputs,
        service: this.#batcher.service,
      })
      const address = await this.#listen(internalKey)
      this.#become({ phase: 'ready', address, loadMs: clock.nowMs() - startedAt })
      logger.info(
        { ...this.#names, ...this.#engine.describe(), loadMs: this.#status.loadMs, address },
        'replica ready',
      )
    } catch (error) {
      const { code, detail } = toProblem(error)
      // The text for people; what is not in the table is told by its own message, since this file is for operators.
      const text = isSlipwayError(error) || !(error instanceof Error) ? detail : error.message
      this.#become({ phase: 'failed', failure: { code, detail: text } })
      logger.error({ ...this.#names, code, err: error }, 'replica failed')
      await this.#closeAll()
      throw error
    }
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  async #drain(): Promise<void> {
    const { logger } = this.#options
    this.#become({ phase: 'draining' })
    const inFlight = this.#link?.inFlight ?? 0
    const lost = (await this.#link?.drain(this.#spec.drainTimeoutMs)) ?? 0
    logger.info({ ...this.#names, inFlight, lost }, 'replica drained')
    await this.#closeAll()
  }

  async #closeAll(): Promise<void> {
    await this.#link?.close()
    await this.#probes?.close()
    await this.#engine.unload()
  }

  get #names() {
    return { model: this.#spec.model, version: this.#spec.label, replica: this.#spec.replicaId }
  }

  #become(change: Partial<ReplicaStatus>): void {
    this.#status = { ...this.#status, ...change }
    this.#health.phase = this.#status.phase
    writeStatus(this.#spec.runFolder, this.#status)
  }

  async #load(): Promise<void> {
    const { spec, files, model, label } = this.#spec
    const paths = await checkedFiles(spec, files)
    const artifactPath = paths.get('artifact') ?? null
    const preprocessPath = paths.get('preprocess')
    if (preprocessPath !== undefined) this.#preprocess = await loadPreprocess(preprocessPath, spec.preprocess)
    const feeds = this.#preprocess === undefined ? spec.contract.inputs : null
    await this.#engine.load({ model, label, spec, artifactPath, feeds })
    const { maxRows } = this.#engine.describe()
    if (maxRows !== null && maxRows !== 1) {
      const reason = `the graph takes exactly ${maxRows} rows; export it with a free batch dimension`
      throw new SlipwayError('contract_broken', { model, version: label, reason })
    }
    if (maxRows === 1) this.#batcher = this.#makeBatcher({ ...spec.batching, maxBatchSize: 1 })
  }

  async #listen(internalKey: string): Promise<string> {
    const { spec, model, label, replicaId, address } = this.#spec
    const { clock, logger } = this.#options
    const take = intake({
      model,
      version: label,
      inputs: this.#inputs,
      policy: this.#policy,
      batcher: this.#batcher as Batcher<RequestPart>,
      onRefused: this.#metrics.onRefused,
    })
    this.#link = createLinkServer({
      clock,
      hello: {
        protocol: 1,
        model,
        version: label,
        replica: replicaId,
        contract: digestOf(spec.contract),
        credit: { rows: spec.batching.maxQueueRows, bytes: CREDIT_BYTES },
      },
      // Whoever may open the socket file may speak; over the network it takes the installation's key.
      admits: (key) => address.startsWith('unix:') || key === internalKey,
      onRequest: (exchange) => {
        if (this.#link?.inFlight === 1) this.#health.moved()
        take(exchange)
      },
      onFault: (fault) => logger.warn({ ...this.#names, err: fault }, 'link closed on a fault'),
    })
    return this.#link.listen(address)
  }

  #policy: BatchPolicy = { maxBatchSize: 1, maxQueueDelayMs: 0, maxQueueRows: 1 }

  #makeBatcher(policy: BatchPolicy): Batcher<RequestPart> {
    const { clock } = this.#options
    this.#policy = policy
    const memory = new BatchMemory()
    return new Batcher<RequestPart>({
      policy,
      timers: systemTimers(clock),
      run: (batch, startedMs) =>
        runBatch(batch, startedMs, {
          clock,
          engine: this.#engine,
          preprocess: this.#preprocess,
          inputs: this.#inputs,
          outputs: this.#outputs,
          memory,
          onBatch: (ran) => {
            this.#health.moved()
            this.#metrics.onBatch(ran)
          },
        }),
      onExpired: (part) => {
        this.#metrics.onExpired()
        part.expire()
      },
    })
  }
}
