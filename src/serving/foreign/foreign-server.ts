import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { ReplicaSpec, ReplicaStatus, VllmSettings } from '../../contracts/index.ts'
import { type Clock, type Logger, replicaKey, SlipwayError, toProblem } from '../../kernel/index.ts'
import { Health } from '../health.ts'
import { type Probes, startProbes } from '../probes.ts'
import { writeStatus } from '../status-file.ts'
import { ForeignAsker, untilIdle } from './foreign-asker.ts'
import type { ForeignKind } from './foreign-kind.ts'
import { foreignKinds, servedNameOf } from './foreign-kinds.ts'
import { foreignMetrics } from './foreign-metrics.ts'
import { placeOf, urlOf } from './foreign-place.ts'
import { type ForeignTimings, foreignTimings } from './foreign-timings.ts'
import { ForeignWatch } from './foreign-watch.ts'
import { LineSplitter } from './line-splitter.ts'
import { secretMask, secretsOf } from './mask-secrets.ts'
import { type GroupEnd, type ProcessGroup, startGroup } from './process-group.ts'
import { readEnd } from './read-end.ts'
import { SaidLines } from './said-lines.ts'
import type { Scrape } from './scrape.ts'

export interface ForeignServerOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Process start, ms since the epoch. */
  readonly startedAt: number
  /** What the server gets of its surroundings. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly timings?: Partial<ForeignTimings>
}

export interface ForeignServer {
  readonly status: ReplicaStatus
  /**
   * Resolves when it is ready, or was drained before that; rejects when it does not get there, with `status.json` saying
   * why in the server's own words.
   */
  start(): Promise<void>
  /** Resolves when the server ended though nobody asked it to; `status.json` says why. */
  readonly ended: Promise<void>
  /** Lets the server finish what it has, then ends it; at once while it starts. Idempotent. */
  drain(): Promise<void>
}

/**
 * One version in one model server of another project, kept by this process:
 *
 * starting ──its health is good, its API answers──▶ ready ──drain──▶ draining ──▶ gone
 *     └── ended, or too slow ──▶ failed ◀── ended, or silent ──┘
 *
 * Gateways speak to the server itself; what runs here starts it, watches it, reads its metrics and ends it. It is not
 * started again here: this process ends with it, and the fleet's rules for restarts hold.
 */
export function foreignServer(spec: ReplicaSpec, options: ForeignServerOptions): ForeignServer {
  return new Foreign(spec, options)
}

interface Running {
  readonly group: ProcessGroup
  readonly asker: ForeignAsker
}

class Foreign implements ForeignServer {
  readonly ended: Promise<void>
  readonly #spec: ReplicaSpec
  readonly #options: ForeignServerOptions
  readonly #settings: VllmSettings
  readonly #kind: ForeignKind
  readonly #timings: ForeignTimings
  readonly #health: Health
  readonly #said: SaidLines
  readonly #scratchFolder: string
  #group: ProcessGroup | undefined
  #probes: Probes | undefined
  #watch: ForeignWatch | undefined
  #asker: ForeignAsker | undefined
  #running = 0
  #progressMs = Number.NEGATIVE_INFINITY
  #status: ReplicaStatus
  #tellEnded: () => void = () => undefined
  #drained: Promise<void> | undefined
  #isLeaving = false
  #mask: (line: string) => string = (line) => line

  constructor(spec: ReplicaSpec, options: ForeignServerOptions) {
    const { vllm: settings } = spec.spec
    if (settings === undefined) throw new TypeError('the version has no settings of a foreign server')
    this.#spec = spec
    this.#options = options
    this.#settings = settings
    this.#kind = foreignKinds[settings.server]
    this.#timings = { ...foreignTimings, ...options.timings }
    this.#health = new Health(options.clock, () => this.#running, this.#timings.stuckAfterMs)
    this.#scratchFolder = mkdtempSync(join(tmpdir(), 'slipway-engine-'))
    this.ended = new Promise((resolve) => {
      this.#tellEnded = resolve
    })
    this.#said = new SaidLines({
      server: this.#kind.name,
      log: options.logger,
      mask: (line) => this.#mask(line),
      progress: this.#kind.progress,
      nowMs: () => options.clock.monotonicMs(),
      onProgress: (words) => this.#progressed(words),
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
      startTimeoutMs: settings.startTimeoutMs,
    }
  }

  get status(): ReplicaStatus {
    return this.#status
  }

  async start(): Promise<void> {
    const { clock, logger, startedAt } = this.#options
    try {
      const internalKey = (await readFile(this.#spec.internalKeyFile, 'utf8')).trim()
      const key = replicaKey(internalKey, this.#spec.replicaId)
      this.#probes = await startProbes({
        health: this.#health,
        registry: foreignMetrics({
          labels: { model: this.#spec.model, version: this.#spec.label, replica: this.#spec.replicaId },
          health: this.#health,
          scrape: () => this.#scrape(),
        }),
        internalKey,
      })
      this.#become({ phase: 'starting', httpUrl: this.#probes.url })
      const running = await this.#launch(key)
      // Told to go while its process was made.
      if (this.#drained !== undefined) running.group.kill()
      await this.#untilReady(running)
      const { progress: _, ...settled } = this.#status
      this.#status = settled
      const address = running.asker.url
      this.#become({ phase: 'ready', address, loadMs: clock.nowMs() - startedAt })
      logger.info({ ...this.#names, loadMs: this.#status.loadMs, address }, 'replica ready')
      this.#guard(running)
    } catch (error) {
      if (this.#drained !== undefined) return await this.#drained
      await this.#fail(error)
      throw error
    }
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  async #launch(key: string): Promise<Running> {
    const { environment, logger } = this.#options
    const settings = this.#settings
    const { command: wrapper, weights } = settings
    // A command of the user's own may look at other folders, as containers do.
    if (wrapper === undefined && isAbsolute(weights) && !existsSync(weights))
      throw this.#error('engine_refused', `there is no ${weights} on this machine`)
    const place = await placeOf(this.#spec.address)
    const { arguments: given, environment: own } = this.#kind.command(settings, {
      ...place,
      key,
      servedName: servedNameOf(this.#spec.model, this.#spec.spec.modelName, settings),
      scratchFolder: this.#scratchFolder,
    })
    const asker = new ForeignAsker(this.#kind, urlOf(place), key, this.#timings.answerTimeoutMs)
    const all = { ...environment, ...own }
    this.#mask = secretMask([key, ...secretsOf(all)])
    const command = [...(settings.command ?? this.#kind.usualCommand), ...given]
    const splitter = new LineSplitter((line) => this.#said.say(line))
    const group = await startGroup({
      command,
      environment: all,
      onOutput: (bytes) => splitter.push(bytes),
      onGuardLost: () => this.#guardLost(),
    })
    void group.ended.then(() => splitter.end())
    this.#group = group
    this.#asker = asker
    logger.info({ ...this.#names, pid: group.pid, command: command.map(this.#mask) }, 'server started')
    return { group, asker }
  }

  async #untilReady({ asker, group }: Running): Promise<void> {
    const { clock } = this.#options
    const { startTimeoutMs } = this.#settings
    const deadlineMs = clock.monotonicMs() + startTimeoutMs
    let end: GroupEnd | undefined
    void group.ended.then((found) => {
      end = found
    })
    for (;;) {
      const isReady = (await asker.isReady()) && this.#drained === undefined
      if (end !== undefined) throw this.#ended(end)
      if (isReady) return
      if (clock.monotonicMs() >= deadlineMs) {
        const reason = this.#status.progress ?? this.#said.kept.at(-1)?.slice(0, 300) ?? 'nothing'
        const names = { server: this.#kind.name, model: this.#spec.model, version: this.#spec.label }
        throw new SlipwayError('engine_too_slow', { ...names, timeoutMs: startTimeoutMs, reason })
      }
      await Promise.race([clock.sleep(this.#timings.readyPollMs), group.ended])
    }
  }

  /** From now on its end is a failure, and so is its silence. */
  #guard({ asker, group }: Running): void {
    void group.ended.then((end) => this.#lost(this.#ended(end)))
    this.#watch = new ForeignWatch({
      clock: this.#options.clock,
      timings: this.#timings,
      health: this.#health,
      isWell: () => asker.isWell(),
      scrape: () => this.#scrape(),
      onSilent: (reason) => this.#lost(this.#error('engine_silent', reason)),
    })
  }

  #lost(error: SlipwayError): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    this.#fail(error).then(this.#tellEnded, this.#tellEnded)
  }

  async #drain(): Promise<void> {
    const { clock, logger } = this.#options
    const group = this.#group
    this.#isLeaving = true
    this.#watch?.close()
    this.#become({ phase: 'draining' })
    const deadlineMs = clock.monotonicMs() + this.#spec.drainTimeoutMs
    const graceMs = Math.min(this.#timings.endGraceMs, this.#spec.drainTimeoutMs / 3)
    const lost = await untilIdle(() => this.#scrape(), clock, this.#timings.idlePollMs, deadlineMs - graceMs)
    group?.terminate()
    const leftMs = Math.max(0, deadlineMs - clock.monotonicMs())
    const isGone =
      group === undefined ||
      (await Promise.race([group.ended.then(() => true), clock.sleep(leftMs)])) === true
    if (!isGone) logger.warn({ ...this.#names }, 'server did not end in time and was killed')
    logger.info({ ...this.#names, lost }, 'replica drained')
    await this.#closeAll()
  }

  async #scrape(): Promise<Scrape | undefined> {
    const found = await this.#asker?.scrape()
    if (found !== undefined) this.#running = found.gauges.running ?? 0
    return found
  }

  #progressed(words: string): void {
    const { clock } = this.#options
    if (this.#status.phase !== 'starting') return
    this.#status = { ...this.#status, progress: words.trim().replace(/\s+/g, ' ').slice(0, 300) }
    // A progress bar says more than anybody reads.
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#progressMs < this.#timings.progressMs) return
    this.#progressMs = nowMs
    writeStatus(this.#spec.runFolder, this.#status)
  }

  #ended(end: GroupEnd): SlipwayError {
    const command = (this.#settings.command ?? this.#kind.usualCommand)[0] as string
    const { code, reason } = readEnd(this.#kind, command, this.#said.kept, end)
    return this.#error(code, reason)
  }

  #error(
    code: 'engine_refused' | 'engine_out_of_memory' | 'engine_ended' | 'engine_silent',
    reason: string,
  ): SlipwayError {
    const { label: version, model } = this.#spec
    return new SlipwayError(code, { server: this.#kind.name, model, version, reason })
  }

  /** Without its guard it could be left behind, which must not be: this process ends with it instead. */
  #guardLost(): void {
    this.#group?.kill()
  }

  async #fail(error: unknown): Promise<void> {
    const { code, detail } = toProblem(error)
    const text = error instanceof SlipwayError || !(error instanceof Error) ? detail : error.message
    this.#isLeaving = true
    this.#options.logger.error({ ...this.#names, code, err: error }, 'replica failed')
    this.#become({ phase: 'failed', failure: { code, detail: text } })
    await this.#closeAll()
  }

  async #closeAll(): Promise<void> {
    this.#watch?.close()
    this.#group?.kill()
    await this.#group?.ended
    await this.#probes?.close()
    rmSync(this.#scratchFolder, { recursive: true, force: true })
  }

  get #names() {
    const { label, model, replicaId } = this.#spec
    return { model, version: label, replica: replicaId, server: this.#kind.name }
  }

  #become(change: Partial<ReplicaStatus>): void {
    this.#status = { ...this.#status, ...change }
    this.#health.phase = this.#status.phase
    writeStatus(this.#spec.runFolder, this.#status)
  }
}
