import { type Dispatcher, Pool } from 'undici'
import type { Provider } from '../../contracts/index.ts'
import type { DialectName } from '../../dialects/index.ts'
import { type Clock, type Logger, NumberMap, type Random } from '../../kernel/index.ts'
import { DeadlineWatch } from '../../link/index.ts'
import { outerLookup } from '../address-guard.ts'
import type { TextCall, TextExchange, TextSink, TextUpstream } from '../text/text-upstream.ts'
import { type Account, AccountPool } from './account-pool.ts'
import { tokenAsker } from './auth/ask-for-token.ts'
import { credentialOf } from './auth/credential.ts'
import type { SecretSources } from './auth/secret.ts'
import type { TextCodecs } from './codecs.ts'
import type { ProviderRow } from './kind-row.ts'
import { headersOf, placeOf, rowOf } from './place.ts'
import { type RemotePolicy, remotePolicy } from './policy.ts'
import { prepare } from './prepared.ts'
import { type CallParts, type RemoteAccount, RemoteCall } from './remote-call.ts'
import { type RemoteView, viewOf } from './remote-view.ts'
import { RetryBudget } from './retry-budget.ts'
import { Tally } from './tally.ts'

export interface RemoteParts extends SecretSources {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly codecs: TextCodecs
  readonly policy?: Partial<RemotePolicy>
}

export interface RemoteTextUpstream extends TextUpstream {
  /** For metrics: plain data, made when it is asked for. */
  view(): RemoteView
}

/**
 * A remote provider of text: its accounts, connections, circuits and budget of retries. Opening throws
 * `invalid_request` for an address that cannot be or may not be called; a secret that is missing only makes its account
 * unready, and tells why in failures and in `view`.
 */
export function remoteTextUpstream(provider: Provider, parts: RemoteParts): RemoteTextUpstream {
  return new Remote(provider, parts)
}

const KEEP_ALIVE_MS = 30_000
/** Headers of an answer, all together. */
const MAX_HEADER_BYTES = 32 * 1024

class Remote implements RemoteTextUpstream {
  readonly id: string
  readonly relays: ReadonlySet<DialectName>
  readonly #provider: Provider
  readonly #parts: RemoteParts
  readonly #row: ProviderRow
  readonly #policy: RemotePolicy
  readonly #pool: AccountPool<RemoteAccount>
  readonly #budget: RetryBudget
  readonly #watch: DeadlineWatch
  readonly #callParts: CallParts
  readonly #connections = new Map<string, Pool>()
  readonly #open = new NumberMap<RemoteCall>()
  #lastId = 0
  #waiters: (() => void)[] = []
  #drained: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor(provider: Provider, parts: RemoteParts) {
    this.id = provider.name
    this.#provider = provider
    this.#parts = parts
    this.#row = rowOf(provider)
    this.#policy = { ...remotePolicy, ...parts.policy }
    this.#pool = new AccountPool(this.#accounts(), this.#policy, parts.random)
    for (const account of this.#pool.accounts) this.#look(account)
    this.#budget = new RetryBudget(provider.retryBudget)
    this.#watch = new DeadlineWatch(parts.clock, (nowMs) => this.#sweep(nowMs))
    this.relays = new Set(
      (Object.keys(this.#row.relays) as DialectName[]).filter(
        (name) => parts.codecs.relay(name) !== undefined,
      ),
    )
    this.#callParts = {
      provider,
      row: this.#row,
      policy: this.#policy,
      clock: parts.clock,
      random: parts.random,
      pool: this.#pool,
      budget: this.#budget,
      unready: () => this.#unready(),
      isCrowded: () => this.#open.size > provider.maxConnections,
      changed: (account) => this.#changed(account),
      due: (atMs) => this.#watch.add(atMs),
      settled: (call) => this.#settled(call),
    }
  }

  get isReady(): boolean {
    return this.#closing === undefined && !this.#isFull && this.#pool.isReady(this.#nowMs())
  }

  whenReady(): Promise<void> {
    if (this.isReady || this.#closing !== undefined) return Promise.resolve()
    const ready = new Promise<void>((resolve) => this.#waiters.push(resolve))
    this.#watch.add(this.#pool.readyAtMs(this.#nowMs()))
    return ready
  }

  start(call: TextCall, sink: TextSink): TextExchange {
    const prepared = prepare(call, this.#row, this.#parts.codecs, this.#policy.maxHeldBytes)
    const id = ++this.#lastId
    const started = new RemoteCall(id, this.#callParts, call, prepared, sink)
    const isTaken = this.#closing === undefined && !this.#isFull
    this.#open.set(id, started)
    if (isTaken) {
      this.#lookAgain()
      started.begin()
    } else started.turnAway()
    return started
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  view(): RemoteView {
    return viewOf(
      {
        provider: this.#provider,
        pool: this.#pool,
        budget: this.#budget,
        open: this.#open.size,
        isReady: this.isReady,
        reason: this.isReady ? null : this.#unready().detail,
      },
      this.#nowMs(),
      this.#parts.clock.nowMs(),
    )
  }

  /** As many again as there are connections may wait for one. */
  get #isFull(): boolean {
    return this.#open.size >= 2 * this.#provider.maxConnections
  }

  #accounts(): RemoteAccount[] {
    const { clock, env, readFile } = this.#parts
    const provider = this.#provider
    const headers = headersOf(provider, this.#row)
    const secrets = {
      env,
      readFile,
      nowMs: () => clock.nowMs(),
      askForToken: tokenAsker(provider.allowInner),
      rereadMs: this.#policy.secretReadMs,
    }
    return provider.accounts.map((account) => {
      const place = placeOf(provider, account, this.#row)
      return {
        name: account.name,
        weight: account.weight,
        place,
        credential: credentialOf(account, this.#row, headers, secrets),
        connections: this.#connectionsTo(place.origin),
        tally: new Tally(),
      }
    })
  }

  /** Accounts at the same address share its connections. */
  #connectionsTo(origin: string): Dispatcher {
    const known = this.#connections.get(origin)
    if (known !== undefined) return known
    const { allowInner, maxConnections, timeouts } = this.#provider
    const pool = new Pool(origin, {
      connections: maxConnections,
      pipelining: 1,
      // Over HTTP/2 many requests share one connection, and stopping one would not close it.
      allowH2: false,
      connect: {
        // Ours come first; this one lets go of the socket.
        timeout: timeouts.connectMs + 1000,
        ...(allowInner ? {} : { lookup: outerLookup }),
      },
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Each call has its own.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    this.#connections.set(origin, pool)
    return pool
  }

  #look(account: Account<RemoteAccount>): void {
    const { missing } = account.of.credential
    if (missing !== undefined && account.missing === undefined)
      this.#parts.log.warn(
        { provider: this.id, account: account.of.name, reason: missing },
        'provider account unready',
      )
    account.missing = missing
  }

  /** A secret that was missing may be there by now; files are read at most so often. */
  #lookAgain(): void {
    for (const account of this.#pool.accounts)
      if (account.missing !== undefined && account.of.credential.renew()) this.#look(account)
  }

  #changed(account: Account<RemoteAccount>): void {
    const nowMs = this.#nowMs()
    this.#look(account)
    const { restReason, restsUntilMs, toldRestMs } = account
    if (restsUntilMs > nowMs && restsUntilMs !== toldRestMs) {
      account.toldRestMs = restsUntilMs
      const restMs = Math.round(restsUntilMs - nowMs)
      this.#parts.log.warn(
        { provider: this.id, account: account.of.name, reason: restReason, restMs },
        'provider account rests',
      )
    }
    this.#wake(nowMs)
  }

  #settled(call: RemoteCall): void {
    this.#open.delete(call.id)
    if (this.#open.size === 0) this.#drained?.()
  }

  #wake(nowMs: number): void {
    if (this.#waiters.length === 0) return
    if (!this.isReady) {
      this.#watch.add(this.#pool.readyAtMs(nowMs))
      return
    }
    for (const wake of this.#waiters.splice(0)) wake()
  }

  #sweep(nowMs: number): number {
    let earliestMs = Number.POSITIVE_INFINITY
    for (const call of this.#open.values()) {
      if (call.dueAtMs <= nowMs) call.due(nowMs)
      earliestMs = Math.min(earliestMs, call.dueAtMs)
    }
    this.#wake(nowMs)
    return this.#waiters.length === 0 ? earliestMs : Math.min(earliestMs, this.#pool.readyAtMs(nowMs))
  }

  #unready(): { detail: string; retryAfterMs: number | null } {
    if (this.#closing !== undefined) return { detail: 'it is being closed', retryAfterMs: null }
    const { maxConnections } = this.#provider
    if (this.#isFull)
      return { detail: `its ${maxConnections} connections are busy, and as many wait`, retryAfterMs: 1000 }
    const nowMs = this.#nowMs()
    const readyMs = this.#pool.readyAtMs(nowMs)
    const words = this.#pool.accounts.slice(0, 5).map((account) => this.#words(account, nowMs))
    return {
      detail: words.join('; '),
      retryAfterMs: readyMs === Number.POSITIVE_INFINITY ? null : Math.ceil(readyMs - nowMs),
    }
  }

  #words(account: Account<RemoteAccount>, nowMs: number): string {
    const who = `the account ${account.of.name}`
    const state = this.#pool.stateOf(account, nowMs)
    if (state === 'unready') return account.missing as string
    if (state === 'resting') return `${who} rests: ${account.restReason ?? ''}`
    return state === 'ready' ? `${who} is ready` : `${who} failed ${account.failures} times in a row`
  }

  async #close(): Promise<void> {
    for (const wake of this.#waiters.splice(0)) wake()
    if (this.#open.size > 0)
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    this.#watch.close()
    // Nothing is under way, so that nothing is lost by not waiting for connections that hang.
    await Promise.all([...this.#connections.values()].map((pool) => pool.destroy().catch(() => undefined)))
  }

  #nowMs(): number {
    return this.#parts.clock.monotonicMs()
  }
}
