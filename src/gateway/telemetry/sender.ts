import type { RequestRecord } from '../../contracts/index.ts'
import { type Clock, type Logger, type Random, RingQueue } from '../../kernel/index.ts'
import type { Spill } from './spill.ts'

/** `refused`: control read the batch and will never take it. `unreachable`: try again. */
export type PostOutcome = 'taken' | 'refused' | 'unreachable'

export interface SenderOptions {
  /** Unique to this life of the process: sequences start at 1. */
  readonly gateway: string
  /** Bounded in time; never rejects. */
  readonly post: (batch: string) => Promise<PostOutcome>
  readonly spill: Spill
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly capacity?: number
  readonly intervalMs?: number
}

export interface SenderState {
  readonly queued: number
  readonly sent: number
  readonly dropped: number
}

const BATCH_RECORDS = 1000
/** Below the megabyte that servers commonly take as a body. */
const BATCH_CHARACTERS = 900_000
/** Rows of failed requests that may wait in the queue, characters; beyond it records go without. */
const CAPTURE_CHARACTERS = 16_000_000
const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 5000

/**
 * Brings request records to control: memory → control, or memory → spill file → control when it is away.
 *
 * While the spill is empty a batch goes straight to control. One that fails goes to the spill, and from then on
 * everything goes through the spill, so order is kept, until replay has emptied it. What finds no room anywhere is
 * counted and told in the next batch. At most `intervalMs` of records are lost when the process is killed.
 */
export class TelemetrySender {
  readonly #options: SenderOptions
  readonly #queue: RingQueue<RequestRecord>
  readonly #intervalMs: number
  #capturedCharacters = 0
  #sequence = 0
  #sent = 0
  #dropped = 0
  /** Dropped and not yet told to control. */
  #untold = 0
  #retryAtMs = 0
  #retryMs = FIRST_RETRY_MS
  #isStopping = false
  #wake: () => void = () => undefined
  #running: Promise<void> | undefined

  constructor(options: SenderOptions) {
    this.#options = options
    this.#queue = new RingQueue(options.capacity ?? 20_000)
    this.#intervalMs = options.intervalMs ?? 200
  }

  get state(): SenderState {
    return { queued: this.#queue.length, sent: this.#sent, dropped: this.#dropped }
  }

  record(record: RequestRecord): void {
    if (record.input !== undefined) {
      if (this.#capturedCharacters + record.input.length > CAPTURE_CHARACTERS) delete record.input
      else this.#capturedCharacters += record.input.length
    }
    if (!this.#queue.push(record)) {
      this.#capturedCharacters -= record.input?.length ?? 0
      this.#lose(1)
    } else if (this.#queue.length === BATCH_RECORDS) this.#wake()
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Sends what it has, spills what it cannot send; resolves when nothing is left in memory. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#wake()
    await this.#running
  }

  async #run(): Promise<void> {
    const { spill, log } = this.#options
    await spill.open().catch((error: unknown) => log.error({ err: error }, 'spill folder not usable'))
    while (!this.#isStopping) {
      await this.#pause()
      await this.#turn()
    }
    await this.#turn()
    await this.#spillQueue()
    await spill.close()
  }

  /** Until the interval is over, a batch is full, or the end. */
  async #pause(): Promise<void> {
    if (this.#isStopping || this.#queue.length >= BATCH_RECORDS) return
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    await this.#options.clock.sleep(this.#intervalMs, woken.signal).catch(() => undefined)
    this.#wake = () => undefined
  }

  async #turn(): Promise<void> {
    const { spill, clock } = this.#options
    while (spill.isEmpty && (this.#queue.length > 0 || this.#untold > 0)) {
      if (!(await this.#send(this.#nextBatch(), false))) break
    }
    if (spill.isEmpty) return
    await this.#spillQueue()
    while (clock.monotonicMs() >= this.#retryAtMs) {
      const text = await spill.peek()
      if (text === undefined || !(await this.#send(text, true))) break
    }
  }

  /**
   * True when the batch is done with, taken or not. While control keeps us waiting the queue may not overflow: then
   * the batch moves to the spill, and the queue behind it.
   */
  async #send(text: string, wasSpilled: boolean): Promise<boolean> {
    const { clock, log, post, spill } = this.#options
    let isSpilled = wasSpilled
    let outcome: PostOutcome | undefined
    const posted = isWhole(text)
      ? post(text).then((answer) => {
          outcome = answer
        })
      : Promise.resolve()
    if (!isWhole(text)) outcome = 'refused'
    while (outcome === undefined) {
      await Promise.race([posted, clock.sleep(this.#intervalMs)])
      if (outcome !== undefined || this.#queue.length < this.#queue.capacity / 2) continue
      if (!isSpilled) isSpilled = await this.#spillBatch(text)
      if (isSpilled) await this.#spillQueue()
    }
    if (outcome === 'unreachable') {
      this.#backOff()
      if (!isSpilled) await this.#spillBatch(text)
      return false
    }
    this.#retryMs = FIRST_RETRY_MS
    if (isSpilled && (await spill.peek()) === text) await spill.shift()
    if (outcome === 'taken') this.#sent += recordsIn(text)
    else {
      log.error({ records: recordsIn(text) }, 'telemetry batch refused')
      this.#loseBatch(text)
    }
    return true
  }

  #backOff(): void {
    const { clock, random } = this.#options
    this.#retryAtMs = clock.monotonicMs() + this.#retryMs * (0.5 + random())
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS)
  }

  async #spillQueue(): Promise<void> {
    while (this.#queue.length > 0 || (this.#isStopping && this.#untold > 0)) {
      const isKept = await this.#spillBatch(this.#nextBatch())
      if (!isKept && this.#queue.length === 0) return
    }
  }

  async #spillBatch(text: string): Promise<boolean> {
    const isKept = await this.#options.spill.append(text)
    if (!isKept) {
      this.#options.log.error({ records: recordsIn(text) }, 'telemetry dropped: no room to spill')
      this.#loseBatch(text)
    }
    return isKept
  }

  #nextBatch(): string {
    const parts: string[] = []
    let characters = 0
    while (parts.length < BATCH_RECORDS && characters < BATCH_CHARACTERS) {
      const record = this.#queue.shift()
      if (record === undefined) break
      this.#capturedCharacters -= record.input?.length ?? 0
      const part = JSON.stringify(record)
      characters += part.length
      parts.push(part)
    }
    const dropped = this.#untold
    this.#untold = 0
    const head = `{"gateway":${JSON.stringify(this.#options.gateway)},"sequence":${++this.#sequence},"dropped":${dropped}`
    return `${head},"records":[${parts.join(',')}]}`
  }

  #lose(records: number): void {
    this.#dropped += records
    this.#untold += records
  }

  /** With a batch go its records, and the losses that it would have told. */
  #loseBatch(text: string): void {
    this.#lose(recordsIn(text))
    this.#untold += Number(/^\{.*?"dropped":(\d+)/.exec(text)?.[1] ?? 0)
  }
}

/** Quotes inside strings are escaped, so this counts the records of a batch exactly, torn ones included. */
function recordsIn(batch: string): number {
  return batch.split('"requestId":').length - 1
}

function isWhole(batch: string): boolean {
  return batch.startsWith('{') && batch.endsWith(']}')
}
