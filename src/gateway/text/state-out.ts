import type { GatewayTextState } from '../../contracts/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { BatchPoster } from '../telemetry/post-batch.ts'

const EVERY_MS = 2000

/**
 * Tells control every two seconds what this gateway knows of its text traffic. Only the newest is of use, so nothing is
 * kept or sent twice, and a control that is away is asked again at the next turn.
 */
export class StateOut {
  readonly #read: () => Omit<GatewayTextState, 'gateway'> | undefined
  readonly #poster: BatchPoster
  readonly #gateway: string
  readonly #clock: Clock
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined

  constructor(
    gateway: string,
    read: () => Omit<GatewayTextState, 'gateway'> | undefined,
    poster: BatchPoster,
    clock: Clock,
  ) {
    this.#gateway = gateway
    this.#read = read
    this.#poster = poster
    this.#clock = clock
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
    this.#poster.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      await this.#clock.sleep(EVERY_MS, signal).catch(() => undefined)
      const state = signal.aborted ? undefined : this.#read()
      if (state === undefined) continue
      await this.#poster.post(Buffer.from(JSON.stringify({ gateway: this.#gateway, ...state })))
    }
  }
}
