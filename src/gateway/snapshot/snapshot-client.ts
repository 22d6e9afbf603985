import { get, type IncomingMessage } from 'node:http'
import { get as tlsGet } from 'node:https'
import { type Snapshot, snapshot } from '../../contracts/index.ts'
import type { Clock, Logger, Random } from '../../kernel/index.ts'
import { EventStreamReader } from './event-stream.ts'

export interface SnapshotClientOptions {
  readonly controlUrl: string
  readonly internalKey: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly onSnapshot: (snapshot: Snapshot) => void
}

const FIRST_RETRY_MS = 100
/** While control is away nobody brakes a canary here: after a restart it should be found within a second or so. */
const MAX_RETRY_MS = 1000
const MAX_EVENT_BYTES = 64 * 1024 * 1024
const TCP_KEEP_ALIVE_MS = 10_000

/**
 * Follows `GET /internal/v1/snapshot` of control for ever, with backoff and jitter between attempts. A snapshot that
 * does not hold to the contract is logged and skipped: the one in use stays.
 */
export class SnapshotClient {
  isConnected = false
  readonly #options: SnapshotClientOptions
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: SnapshotClientOptions) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#follow()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  async #follow(): Promise<void> {
    const { clock, log, random } = this.#options
    const { signal } = this.#stopped
    let retryMs = FIRST_RETRY_MS
    while (!signal.aborted) {
      try {
        await this.#readOnce(() => {
          retryMs = FIRST_RETRY_MS
        })
        log.info({}, 'snapshot stream ended')
      } catch (error) {
        if (!signal.aborted && retryMs === FIRST_RETRY_MS)
          log.warn({ reason: String(error) }, 'control not reached; serving from the last snapshot')
      }
      this.isConnected = false
      await clock.sleep(retryMs * (0.5 + random()), signal).catch(() => undefined)
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)
    }
  }

  async #readOnce(onFirst: () => void): Promise<void> {
    const response = await this.#open()
    const reader = new EventStreamReader(MAX_EVENT_BYTES, ({ event, data }) => {
      if (event !== 'snapshot') return
      onFirst()
      this.#take(data)
    })
    this.isConnected = true
    for await (const chunk of response) reader.push(chunk as Uint8Array)
  }

  #open(): Promise<IncomingMessage> {
    const { controlUrl, internalKey } = this.#options
    const url = new URL('/internal/v1/snapshot', controlUrl)
    const headers = { authorization: `Bearer ${internalKey}`, accept: 'text/event-stream' }
    const open = url.protocol === 'https:' ? tlsGet : get
    return new Promise((resolve, reject) => {
      const request = open(url, { headers, agent: false, signal: this.#stopped.signal }, (response) => {
        if (response.statusCode === 200) resolve(response)
        else {
          response.destroy()
          reject(new Error(`control answered ${response.statusCode}`))
        }
      })
      request.on('socket', (socket) => socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS))
      request.on('error', reject)
    })
  }

  #take(data: string): void {
    const { log, onSnapshot } = this.#options
    try {
      const parsed = snapshot.safeParse(JSON.parse(data))
      if (parsed.success) onSnapshot(parsed.data)
      else log.error({ reason: parsed.error.message.slice(0, 1000) }, 'snapshot refused')
    } catch (error) {
      log.error({ reason: String(error) }, 'snapshot refused')
    }
  }
}
