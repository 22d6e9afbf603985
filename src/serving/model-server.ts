import { readFile } from 'node:fs/promises'
import { type ReplicaSpec, type ReplicaStatus, textContract } from '../contracts/index.ts'
import { type Clock, canonicalJson, isSlipwayError, type Logger, toProblem } from '../kernel/index.ts'
import { createLinkServer, type LinkServer } from '../link/index.ts'
import { type Probes, startProbes } from './probes.ts'
import { RowServer } from './row-server.ts'
import type { Served } from './served.ts'
import { writeStatus } from './status-file.ts'
import { TextServer } from './text-server.ts'

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

const TEXT_CONTRACT = canonicalJson(textContract)

class Replica implements ModelServer {
  readonly #spec: ReplicaSpec
  readonly #options: ModelServerOptions
  readonly #served: Served
  #link: LinkServer | undefined
  #probes: Probes | undefined
  #status: ReplicaStatus
  #drained: Promise<void> | undefined

  constructor(spec: ReplicaSpec, options: ModelServerOptions) {
    this.#spec = spec
    this.#options = options
    const isText = canonicalJson(spec.spec.contract) === TEXT_CONTRACT
    const parts = { spec, clock: options.clock, logger: options.logger, link: () => this.#link }
    this.#served = isText ? new TextServer(parts) : new RowServer(parts)
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
    const { health, registry } = this.#served
    try {
      const internalKey = (await readFile(this.#spec.internalKeyFile, 'utf8')).trim()
      this.#probes = await startProbes({ health, registry, internalKey })
      this.#become({ phase: 'starting', httpUrl: this.#probes.url })
      await this.#served.load()
      const address = await this.#listen(internalKey)
      this.#become({ phase: 'ready', address, loadMs: clock.nowMs() - startedAt })
      logger.info(
        { ...this.#names, ...this.#served.describe(), loadMs: this.#status.loadMs, address },
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
    await this.#served.unload()
  }

  get #names() {
    return { model: this.#spec.model, version: this.#spec.label, replica: this.#spec.replicaId }
  }

  #become(change: Partial<ReplicaStatus>): void {
    this.#status = { ...this.#status, ...change }
    this.#served.health.phase = this.#status.phase
    writeStatus(this.#spec.runFolder, this.#status)
  }

  async #listen(internalKey: string): Promise<string> {
    const { address } = this.#spec
    const { clock, logger } = this.#options
    this.#link = createLinkServer({
      clock,
      ...this.#served.linkOptions(),
      // Whoever may open the socket file may speak; over the network it takes the installation's key.
      admits: (key) => address.startsWith('unix:') || key === internalKey,
      onFault: (fault) => logger.warn({ ...this.#names, err: fault }, 'link closed on a fault'),
    })
    return this.#link.listen(address)
  }
}
