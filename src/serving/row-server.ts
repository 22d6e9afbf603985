import type { BatchPolicy } from '../contracts/index.ts'
import { digestOf, SlipwayError } from '../kernel/index.ts'
import { BatchMemory, compileRows, type LinkExchange, type RowCodec } from '../link/index.ts'
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
import type { RequestPart } from './request-part.ts'
import { CREDIT_BYTES, type Served, type ServedParts } from './served.ts'
import { warmUp } from './warm-up.ts'

/** A version of rows: batches of requests go through its preprocess module and its engine. */
export class RowServer implements Served {
  readonly health: Health
  readonly #parts: ServedParts
  readonly #inputs: RowCodec
  readonly #outputs: RowCodec
  readonly #engine: Engine
  readonly #metrics: ReplicaMetrics
  #batcher: Batcher<RequestPart>
  #policy: BatchPolicy
  #preprocess: Preprocess | undefined

  constructor(parts: ServedParts) {
    this.#parts = parts
    const { clock, link, spec } = parts
    const { batching, contract, engine } = spec.spec
    this.health = new Health(clock, () => link()?.inFlight ?? 0)
    this.#inputs = compileRows(contract.inputs, spec.model)
    this.#outputs = compileRows(contract.outputs, spec.model)
    this.#engine = createEngine(engine, clock)
    this.#policy = batching
    this.#batcher = this.#makeBatcher()
    this.#metrics = replicaMetrics({
      labels: { model: spec.model, version: spec.label, replica: spec.replicaId },
      batcher: () => this.#batcher,
      health: this.health,
      connections: () => link()?.connections ?? 0,
    })
  }

  get registry() {
    return this.#metrics.registry
  }

  async load(): Promise<void> {
    const { clock, logger, spec: replica } = this.#parts
    const { spec, files, model, label } = replica
    const paths = await checkedFiles(spec, files)
    const preprocessPath = paths.get('preprocess')
    if (preprocessPath !== undefined) this.#preprocess = await loadPreprocess(preprocessPath, spec.preprocess)
    const feeds = this.#preprocess === undefined ? spec.contract.inputs : null
    await this.#engine.load({ model, label, spec, artifactPath: paths.get('artifact') ?? null, feeds })
    const { maxRows } = this.#engine.describe()
    if (maxRows !== null && maxRows !== 1) {
      const reason = `the graph takes exactly ${maxRows} rows; export it with a free batch dimension`
      throw new SlipwayError('contract_broken', { model, version: label, reason })
    }
    if (maxRows === 1) {
      this.#policy = { ...spec.batching, maxBatchSize: 1 }
      this.#batcher = this.#makeBatcher()
    }
    await warmUp({
      spec: replica,
      clock,
      logger,
      engine: this.#engine,
      preprocess: this.#preprocess,
      inputs: this.#inputs,
      outputs: this.#outputs,
      service: this.#batcher.service,
    })
  }

  linkOptions() {
    const { link, spec: replica } = this.#parts
    const { spec, model, label, replicaId } = replica
    const take = intake({
      model,
      version: label,
      inputs: this.#inputs,
      policy: this.#policy,
      batcher: this.#batcher,
      onRefused: this.#metrics.onRefused,
    })
    return {
      hello: {
        protocol: 1,
        model,
        version: label,
        replica: replicaId,
        contract: digestOf(spec.contract),
        credit: { rows: spec.batching.maxQueueRows, bytes: CREDIT_BYTES },
      },
      onRequest: (exchange: LinkExchange) => {
        if (link()?.inFlight === 1) this.health.moved()
        take(exchange)
      },
    } as const
  }

  describe(): object {
    return this.#engine.describe()
  }

  unload(): Promise<void> {
    return this.#engine.unload()
  }

  #makeBatcher(): Batcher<RequestPart> {
    const { clock } = this.#parts
    const memory = new BatchMemory()
    return new Batcher<RequestPart>({
      policy: this.#policy,
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
            this.health.moved()
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
