import type { SnapshotReplica } from '../contracts/index.ts'
import type { Clock, Logger, Random } from '../kernel/index.ts'
import {
  connectLink,
  type LinkAsk,
  type LinkClient,
  type LinkState,
  type LinkStream,
  type LinkStreamSink,
} from '../link/index.ts'
import { ReplicaText } from './text/replica-text.ts'
import type { TextUpstream } from './text/text-upstream.ts'
import type { Upstream, UpstreamFailure, UpstreamOutcome, UpstreamRequest } from './upstream.ts'

export interface ReplicaUpstreamOptions {
  readonly replica: SnapshotReplica
  readonly model: string
  readonly version: string
  /** Digest of the contract that bodies are coded by; a replica that says another one is never ready. */
  readonly contractDigest: string
  /** For replicas that listen on TCP and ask for it. */
  readonly linkKey?: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** A replica that speaks text beside rows, over the same link; closing either closes both. */
export interface TextReplica extends Upstream {
  readonly text: TextUpstream
}

/** First wait after a failed connection; doubled up to the maximum, with jitter so that gateways do not march in step. */
const RECONNECT_MS = 50
const MAX_RECONNECT_MS = 2000
const CONNECT_TIMEOUT_MS = 5000
const CLOSE_POLL_MS = 5
/** Ids of the link are u32. */
const IDS = 2 ** 32

/**
 * A replica of ours over the link: one socket, kept open, made anew for as long as the snapshot names the replica.
 *
 * connecting ──hello──▶ ready ──goAway or broken socket──▶ waiting ──backoff──▶ connecting …   close() ends it from anywhere.
 * A replica that told us to go away still answers what it has; the next connection is tried while that goes on.
 */
export function replicaUpstream(options: ReplicaUpstreamOptions): TextReplica {
  return new ReplicaUpstream(options)
}

class ReplicaUpstream implements TextReplica {
  readonly id: string
  readonly text: TextUpstream
  readonly #options: ReplicaUpstreamOptions
  readonly #unready: UpstreamFailure
  readonly #stopped = new AbortController()
  readonly #waiters: (() => void)[] = []
  #client: LinkClient | undefined
  /** Counts connections: request ids are only unique in one, so ours say which. */
  #generation = 0
  /** Connections that take nothing new but still owe answers, by generation. */
  readonly #leaving = new Map<number, LinkClient>()
  readonly #running: Promise<void>

  constructor(options: ReplicaUpstreamOptions) {
    this.#options = options
    this.id = options.replica.id
    this.#unready = {
      ok: false,
      code: 'replica_unready',
      parameters: { model: options.model, version: options.version, retryAfterMs: 1000 },
      retrySafe: true,
    }
    this.text = new ReplicaText(this, options.clock)
    this.#running = this.#keepConnected()
  }

  /** Asks the connection itself: what falls with it must not be retried on it. */
  get isReady(): boolean {
    return this.#client?.state === 'ready' && !this.#stopped.signal.aborted
  }

  whenReady(): Promise<void> {
    if (this.isReady || this.#stopped.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  infer(request: UpstreamRequest, settle: (outcome: UpstreamOutcome) => void): number {
    const client = this.#client
    if (client !== undefined && !this.#stopped.signal.aborted)
      return this.#generation * IDS + client.request(request, settle)
    queueMicrotask(() => settle(this.#unready))
    return 0
  }

  cancel(requestId: number): void {
    const generation = Math.floor(requestId / IDS)
    const client = generation === this.#generation ? this.#client : undefined
    const holder = client ?? this.#leaving.get(generation)
    holder?.cancel(requestId % IDS)
  }

  /** Undefined where nothing takes it; for `text`. */
  stream(ask: LinkAsk, sink: LinkStreamSink): LinkStream | undefined {
    const client = this.#client
    if (client?.state !== 'ready' || client.hello.streams !== true || this.#stopped.signal.aborted)
      return undefined
    return client.stream(ask, sink)
  }

  async close(): Promise<void> {
    this.#stopped.abort()
    this.#wake()
    await this.#running
    // Only replicas that retire wait here, for as long as their last request may take.
    while (this.#leaving.size > 0) {
      for (const [generation, client] of this.#leaving)
        if (client.inFlight === 0) this.#drop(generation, client)
      if (this.#leaving.size > 0) await this.#options.clock.sleep(CLOSE_POLL_MS)
    }
  }

  #drop(generation: number, client: LinkClient): void {
    this.#leaving.delete(generation)
    client.close()
  }

  async #keepConnected(): Promise<void> {
    const { clock, random, log, replica, model, version } = this.#options
    const stopped = this.#stopped.signal
    let waitMs = RECONNECT_MS
    while (!stopped.aborted) {
      try {
        await this.#connectOnce()
        waitMs = RECONNECT_MS
      } catch (error) {
        if (waitMs === RECONNECT_MS)
          log.warn({ replica: replica.id, model, version, reason: String(error) }, 'replica not reached')
      }
      await clock.sleep(waitMs * (0.5 + random()), stopped).catch(() => undefined)
      waitMs = Math.min(waitMs * 2, MAX_RECONNECT_MS)
    }
  }

  /** Resolves when a connection that was ready takes nothing new; rejects when none could be made. */
  async #connectOnce(): Promise<void> {
    const { clock, linkKey, replica } = this.#options
    const leave = Promise.withResolvers<void>()
    const generation = this.#generation + 1
    const client = await connectLink(replica.address, {
      clock,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      ...(linkKey === undefined ? {} : { key: linkKey }),
      onState: (state) => {
        if (state === 'closed') this.#leaving.delete(generation)
        if (state === 'draining' || state === 'closed') leave.resolve()
      },
    })
    const refusal = this.#refusalOf(client)
    if (refusal !== undefined || this.#stopped.signal.aborted || client.state !== 'ready') {
      client.close()
      if (refusal !== undefined) throw new Error(refusal)
      return
    }
    this.#generation = generation
    this.#client = client
    this.#wake()
    this.#stopped.signal.addEventListener('abort', () => leave.resolve(), { once: true })
    await leave.promise
    this.#client = undefined
    // The state was read before the await; here it may be any.
    if ((client.state as LinkState) !== 'closed') this.#leaving.set(generation, client)
  }

  /** Another replica behind the address, or another contract, must never get these rows. */
  #refusalOf(client: LinkClient): string | undefined {
    const { replica, contractDigest } = this.#options
    if (client.hello.replica !== replica.id) return `${replica.address} is ${client.hello.replica}`
    if (client.hello.contract !== contractDigest) return `its contract is ${client.hello.contract}`
    return undefined
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }
}
