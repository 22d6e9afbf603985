import { digestOf } from '../kernel/index.ts'
import type { LinkExchange } from '../link/index.ts'
import { checkedFiles } from './artifact-digest.ts'
import { createTextEngine } from './engines.ts'
import { Health } from './health.ts'
import { CREDIT_BYTES, type Served, type ServedParts } from './served.ts'
import type { TextEngine } from './text-engine.ts'
import { TextIntake } from './text-intake.ts'
import { type TextReplicaMetrics, textReplicaMetrics } from './text-metrics.ts'

/** Requests that a gateway may have outstanding here; what the engine cannot hold it refuses by itself, sooner. */
const CREDIT_REQUESTS = 4096

/** A version of text: what is asked goes to its engine, what the engine says goes out as it comes. */
export class TextServer implements Served {
  readonly health: Health
  readonly #parts: ServedParts
  readonly #metrics: TextReplicaMetrics
  readonly #intake: TextIntake
  #engine: TextEngine | undefined

  constructor(parts: ServedParts) {
    this.#parts = parts
    const { clock, link, spec } = parts
    // A reader that stalls is no fault of the engine.
    this.health = new Health(clock, () => this.#intake.unpaused)
    this.#metrics = textReplicaMetrics({
      labels: { model: spec.model, version: spec.label, replica: spec.replicaId },
      gauges: () => this.#engine?.gauges,
      health: this.health,
      connections: () => link()?.connections ?? 0,
    })
    this.#intake = new TextIntake({
      clock,
      engine: () => this.#engine as TextEngine,
      metrics: this.#metrics,
      health: this.health,
    })
  }

  get registry() {
    return this.#metrics.registry
  }

  async load(): Promise<void> {
    const { clock, spec: replica } = this.#parts
    const { spec, files, model, label } = replica
    const engine = await createTextEngine(spec.engine, clock)
    this.#engine = engine
    await engine.load({ model, label, spec, files: await checkedFiles(spec, files) })
    await engine.warmUp()
  }

  linkOptions() {
    const { spec, model, label, replicaId } = this.#parts.spec
    return {
      hello: {
        protocol: 1,
        model,
        version: label,
        replica: replicaId,
        contract: digestOf(spec.contract),
        credit: { rows: CREDIT_REQUESTS, bytes: CREDIT_BYTES },
        streams: true,
      },
      onRequest: (exchange: LinkExchange) =>
        exchange.fail('internal', {}, { retrySafe: true, detail: 'rows were sent to a model of text' }),
      onAsk: this.#intake.take,
    } as const
  }

  describe(): object {
    return this.#engine?.describe() ?? {}
  }

  async unload(): Promise<void> {
    await this.#engine?.unload()
  }
}
