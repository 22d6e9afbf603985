import type { RequestRecord } from '../../contracts/index.ts'
import type { Clock, Logger, Random } from '../../kernel/index.ts'
import { BATCH_RECORDS, type Batch, BatchBuffers } from './batch-buffers.ts'
import type { Spill } from './spill.ts'

/** `refused`: control read the batch and will never take it. `unreachable`: try again. */
export type PostOutcome = 'taken' | 'refused' | 'unreachable'

export interface SenderOptions {
  /** Unique to this life of the process: sequences start at 1. */
  readonly gateway: string
  /** Bounded in time; never rejects. The bytes must not be looked at after it resolved. */
  readonly post: (batch: Uint8Array) => Promise<PostOutcome>
  readonly spill: Spill
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** A thousand records or 900 KB each. */
  readonly maxBuffers?: number
  readonly intervalMs?: number
}

export interface SenderState {
  readonly queued: number
  readonly sent: number
  readonly dropped: number
}

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
  readonly #buffers: BatchBuffers
  readonly #maxWaiting: number
  readonly #intervalMs: number
  #sequence = 0
  #sent = 0
  #dropped = 0
  /** Dropped and not yet told to control. */
  #untold = 0
  #sinceWake = 0
  #retryAtMs = 0
  #retryMs = FIRST_RETRY_MS
  #isStopping = false
  #wake: () => void = () => undefined
  #running: Promise<void> | undefined

  constructor(options: SenderOptions) {
    this.#options = options
    const maxBuffers = options.maxBuffers ?? 16
    this.#buffers = new BatchBuffers(maxBuffers)
    this.#maxWaiting = Math.floor(maxBuffers / 2)
    this.#intervalMs = options.intervalMs ?? 200
  }

  get state(): SenderState {
    return { queued: this.#buffers.records, sent: this.#sent, dropped: this.#dropped }
  }

  record(record: RequestRecord): void {
    if (!this.#buffers.add(JSON.stringify(record))) this.#lose(1)
    if (++this.#sinceWake >= BATCH_RECORDS) this.#wake()
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
    await this.#spillAll()
    await spill.close()
  }

  /** Until the interval is over, a batch is full, or the end. */
  async #pause(): Promise<void> {
    if (this.#isStopping || this.#buffers.waiting > 0) return
    this.#sinceWake = 0
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    await this.#options.clock.sleep(this.#intervalMs, woken.signal).catch(() => undefined)
    this.#wake = () => undefined
  }

  async #turn(): Promise<void> {
    const { spill, clock } = this.#options
    while (spill.isEmpty) {
      const batch = this.#nextBatch()
      if (batch === undefined) return
      const isDone = await this.#send(batch.bytes, false)
      this.#buffers.recycle(batch)
      if (!isDone) break
    }
    await this.#spillAll()
    while (clock.monotonicMs() >= this.#retryAtMs) {
      const line = await spill.peek()
      if (line === undefined || !(await this.#send(line, true))) break
    }
  }

  /**
   * True when the batch is done with, taken or not. While control keeps us waiting the memory may not overflow: then
   * the batch moves to the spill, and what waits goes behind it.
   */
  async #send(bytes: Uint8Array, wasSpilled: boolean): Promise<boolean> {
    const { clock, log, post, spill } = this.#options
    let isSpilled = wasSpilled
    let outcome: PostOutcome | undefined
    const posted = (isWhole(bytes) ? post(bytes) : Promise.resolve('refused' as const)).then((answer) => {
      outcome = answer
    })
    while (outcome === undefined) {
      await Promise.race([posted, clock.sleep(this.#intervalMs)])
      if (outcome !== undefined || this.#buffers.waiting < this.#maxWaiting) continue
      isSpilled ||= await spill.append(bytes)
      if (isSpilled) await this.#spillAll()
    }
    if (outcome === 'unreachable') {
      this.#backOff()
      if (!isSpilled) await this.#spill(bytes)
      return false
    }
    this.#retryMs = FIRST_RETRY_MS
    // It went there while nothing else was in it, or it was the oldest: either way it is what `peek` gives.
    if (isSpilled && (await spill.peek()) !== undefined) await spill.shift()
    if (outcome === 'taken') this.#sent += recordsIn(bytes)
    else {
      log.error({ records: recordsIn(bytes) }, 'telemetry batch refused')
      this.#loseBatch(bytes)
    }
    return true
  }

  #backOff(): void {
    const { clock, random } = this.#options
    this.#retryAtMs = clock.monotonicMs() + this.#retryMs * (0.5 + random())
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS)
  }

  async #spillAll(): Promise<void> {
    for (let batch = this.#nextBatch(); batch !== undefined; batch = this.#nextBatch()) {
      const isKept = await this.#spill(batch.bytes)
      this.#buffers.recycle(batch)
      // What is lost would be told in a batch that is lost in turn.
      if (!isKept && this.#buffers.records === 0) return
    }
  }

  async #spill(bytes: Uint8Array): Promise<boolean> {
    const isKept = await this.#options.spill.append(bytes)
    if (!isKept) {
      this.#options.log.error({ records: recordsIn(bytes) }, 'telemetry dropped: no room to spill')
      this.#loseBatch(bytes)
    }
    return isKept
  }

  /** The oldest records, or news of losses alone. */
  #nextBatch(): Batch | undefined {
    const head = () => {
      const dropped = this.#untold
      this.#untold = 0
      const gateway = JSON.stringify(this.#options.gateway)
      return `{"gateway":${gateway},"sequence":${++this.#sequence},"dropped":${dropped},"records":[`
    }
    return this.#buffers.take(head) ?? (this.#untold > 0 ? BatchBuffers.empty(head()) : undefined)
  }

  #lose(records: number): void {
    this.#dropped += records
    this.#untold += records
  }

  /** With a batch go its records, and the losses that it would have told. */
  #loseBatch(bytes: Uint8Array): void {
    this.#lose(recordsIn(bytes))
    const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 512)).toString('latin1')
    this.#untold += Number(/^\{.*?"dropped":(\d+)/.exec(head)?.[1] ?? 0)
  }
}

/** Quotes inside strings are escaped, so this counts the records of a batch exactly, torn ones included. */
function recordsIn(batch: Uint8Array): number {
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.length)
  let records = 0
  for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + MARK.length)) records++
  return records
}

const MARK = '"requestId":'
const END = Buffer.from(']}\n')

function isWhole(batch: Uint8Array): boolean {
  return END.equals(batch.subarray(-END.length))
}
