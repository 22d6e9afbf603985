import { createClient } from '@redis/client'
import type { Clock, Logger, Random } from '../../kernel/index.ts'

export interface RedisLinkOptions {
  /** `redis[s]://[user[:password]@]host[:port][/database]` */
  readonly url: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

const FIRST_RETRY_MS = 50
const MAX_RETRY_MS = 5000
const CONNECT_TIMEOUT_MS = 2000
/** Commands that wait for their answers; beyond it they fail at once. */
const MAX_COMMANDS = 10_000
/** A connection on which a command was not answered for so long is opened anew: its peer may be gone without a word. */
const STUCK_MS = 5000

export class RedisAway extends Error {}

type Client = ReturnType<typeof createClient>

/**
 * One connection to Redis that a gateway shares. A command fails when it is not answered in its time or there is no
 * connection; nothing is queued for later. It is opened again with backoff and jitter for ever.
 */
export class RedisLink {
  readonly #options: RedisLinkOptions
  #client: Client
  #isClosed = false
  #stuckSinceMs: number | undefined
  /** By text: what `SCRIPT LOAD` would give. */
  readonly #hashes = new Map<string, string>()

  constructor(options: RedisLinkOptions) {
    this.#options = options
    this.#client = this.#open()
  }

  get isUp(): boolean {
    return this.#client.isReady
  }

  /** Rejects with `RedisAway` after `timeoutMs`; the command may have been done all the same. */
  command<T>(timeoutMs: number, words: readonly (string | Buffer)[]): Promise<T> {
    return this.#timed(timeoutMs, () => this.#client.sendCommand<T>(words as string[]))
  }

  /** Runs a Lua script, by its hash where Redis has it already. */
  async script<T>(
    timeoutMs: number,
    text: string,
    keys: readonly string[],
    values: readonly string[],
  ): Promise<T> {
    const rest = [String(keys.length), ...keys, ...values]
    const hash = this.#hashes.get(text)
    if (hash !== undefined) {
      try {
        return await this.command<T>(timeoutMs, ['EVALSHA', hash, ...rest])
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      }
    }
    this.#hashes.set(text, await this.command<string>(timeoutMs, ['SCRIPT', 'LOAD', text]))
    return await this.command<T>(timeoutMs, ['EVALSHA', this.#hashes.get(text) as string, ...rest])
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#client.destroy()
  }

  async #timed<T>(timeoutMs: number, run: () => Promise<T>): Promise<T> {
    if (!this.isUp) throw new RedisAway('no connection to Redis')
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      this.#late()
      late.reject(new RedisAway(`Redis did not answer within ${timeoutMs} ms`))
    }, timeoutMs)
    try {
      const answer = run()
      // Once the caller was told, nobody waits for what comes of it.
      answer.catch(() => undefined)
      const told = await Promise.race([answer, late.promise])
      this.#stuckSinceMs = undefined
      return told
    } finally {
      clearTimeout(timer)
    }
  }

  #late(): void {
    const nowMs = this.#options.clock.monotonicMs()
    this.#stuckSinceMs ??= nowMs
    if (this.#isClosed || nowMs - this.#stuckSinceMs < STUCK_MS) return
    this.#stuckSinceMs = undefined
    this.#client.destroy()
    this.#client = this.#open()
  }

  #open(): Client {
    const { log, random, url } = this.#options
    const client = createClient({
      url,
      RESP: 2,
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_COMMANDS,
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        reconnectStrategy: (retries) =>
          Math.min(FIRST_RETRY_MS * 2 ** Math.min(retries, 10), MAX_RETRY_MS) * (0.5 + random()),
      },
    })
    let isDown = false
    client.on('error', (error: unknown) => {
      if (!isDown) log.warn({ err: error }, 'redis not reached')
      isDown = true
    })
    client.on('ready', () => {
      if (isDown) log.info({}, 'redis reached again')
      isDown = false
    })
    client.connect().catch((error: unknown) => {
      if (!this.#isClosed && client === this.#client) log.error({ err: error }, 'redis connection given up')
    })
    return client as Client
  }
}
