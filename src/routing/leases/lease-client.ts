import type { Clock, Logger, Random } from '../../kernel/index.ts'
import type { Allowance } from '../text/allowance.ts'
import { type LeaseAuthority, LeaseRefused } from './lease-authority.ts'
import { HEARTBEAT_MS, LeaseSession } from './lease-session.ts'
import type { LeaseTerms } from './leased-allowance.ts'

export interface LeaseClientOptions {
  readonly authority: LeaseAuthority
  /** One start of one gateway, unlike any other. */
  readonly session: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** For `/metrics`. */
export interface LeaseClientView {
  readonly authority: string
  readonly isUp: boolean
  readonly answered: number
  readonly failed: number
  /** Requests that had to wait for a message. */
  readonly waited: number
}

/** How often accounts in use are looked at. */
const TICK_MS = 50
const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 5000
/** Of messages at stop, to give back what is held. */
const MAX_LAST_MESSAGES = 4

/** Sends what its session wants to say, one message at a time, again with backoff and jitter until it is answered. */
export class LeaseClient {
  readonly #options: LeaseClientOptions
  readonly #session: LeaseSession
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined
  #kick = new AbortController()
  #answered = 0
  #failed = 0
  #waited = 0

  constructor(options: LeaseClientOptions) {
    this.#options = options
    this.#session = new LeaseSession(options.session, () => this.#stir())
  }

  get view(): LeaseClientView {
    return {
      authority: this.#options.authority.name,
      isUp: this.#session.down === undefined,
      answered: this.#answered,
      failed: this.#failed,
      waited: this.#waited,
    }
  }

  start(): void {
    this.#running ??= this.#run()
  }

  account(terms: LeaseTerms): Allowance {
    return this.#session.account(terms)
  }

  /** Resolves when it is worth taking again: leased, refused, or the authority is down. */
  lease(short: readonly { readonly allowance: Allowance; readonly amount: bigint }[]): Promise<void> {
    this.#waited++
    return new Promise((resolve) => {
      this.#session.wait(short, resolve)
      this.#kick.abort()
    })
  }

  /** Gives back what it holds, as far as the authority answers. */
  async close(): Promise<void> {
    this.#stopped.abort()
    this.#kick.abort()
    await this.#running
    const { authority, clock } = this.#options
    for (let left = MAX_LAST_MESSAGES; left > 0 && this.#session.down === undefined; left--) {
      this.#session.relinquish(clock.monotonicMs())
      const message = this.#session.message(clock.monotonicMs())
      if (message === undefined) break
      await this.#send(message)
    }
    this.#session.failed('this gateway is stopping')
    await authority.close()
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options
    const { signal } = this.#stopped
    let retryMs = FIRST_RETRY_MS
    while (!signal.aborted) {
      const message = this.#session.message(clock.monotonicMs())
      if (message === undefined) await this.#pause(this.#session.isQuiet ? HEARTBEAT_MS : TICK_MS)
      else if (await this.#send(message)) retryMs = FIRST_RETRY_MS
      else {
        await clock.sleep(retryMs * (0.5 + random()), signal).catch(() => undefined)
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)
      }
    }
  }

  /** Not at once: what a moment brings goes into one message. */
  #stir(): void {
    this.#options.clock.sleep(TICK_MS, this.#stopped.signal).then(
      () => this.#kick.abort(),
      () => undefined,
    )
  }

  async #pause(ms: number): Promise<void> {
    if (!this.#kick.signal.aborted)
      await this.#options.clock.sleep(ms, this.#kick.signal).catch(() => undefined)
    if (this.#kick.signal.aborted) this.#kick = new AbortController()
  }

  async #send(message: Parameters<LeaseAuthority['exchange']>[0]): Promise<boolean> {
    const { authority, clock, log } = this.#options
    const wasDown = this.#session.down !== undefined
    try {
      const answer = await authority.exchange(message)
      this.#answered++
      this.#session.answered(answer, clock.monotonicMs())
      if (wasDown) log.info({ authority: authority.name }, 'shared limits reached again')
      return true
    } catch (error) {
      this.#failed++
      const reason = `${authority.name} does not answer`
      if (error instanceof LeaseRefused) {
        log.error({ err: error, authority: authority.name }, 'message about shared limits refused')
        this.#session.refused(reason)
      } else {
        if (!wasDown) log.warn({ err: error, authority: authority.name }, 'shared limits not reached')
        this.#session.failed(reason)
      }
      return false
    }
  }
}
