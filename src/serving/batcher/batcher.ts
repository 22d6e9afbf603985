import type { BatchPolicy } from '../../contracts/index.ts'
import { decide, nextPatience, type Outlook, type RunReason } from './decide.ts'
import { type Batch, BatchQueue, type Work } from './queue.ts'
import { ServiceTime } from './service-time.ts'

/** Time for the batcher, so that tests and simulation own it. Monotonic ms. */
export interface BatchTimers {
  nowMs(): number
  /** Not before this turn of the event loop is over, so that what came with it is seen together. */
  soon(wake: () => void): void
  /** Returns its undo. */
  at(ms: number, wake: () => void): () => void
}

export interface BatcherOptions<W extends Work> {
  readonly policy: BatchPolicy
  readonly timers: BatchTimers
  /** Runs a batch to its end, good or bad; the work's owner is told in there. Never rejects. */
  readonly run: (batch: Batch<W>, startedMs: number) => Promise<void>
  /** This work's deadline passed while it waited; it has left the queue. */
  readonly onExpired: (work: W) => void
}

export type Refusal = { readonly retryAfterMs: number; readonly reason: 'full' | 'too late' }

/** The thin part: a queue, one instance, one timer. What to do is decided in `decide`. */
export class Batcher<W extends Work> {
  readonly service = new ServiceTime()
  /** How many batches ran for which reason, for those who ask why it waits as it does. */
  readonly runs: Record<RunReason, number> = { full: 0, complete: 0, late: 0, 'not worth waiting': 0 }
  readonly #options: BatcherOptions<W>
  readonly #queue = new BatchQueue<W>()
  #running: { readonly rows: number; readonly startedMs: number } | undefined
  #companyRows = 0
  #patience = 1
  #freeSinceMs = 0
  #isPumpDue = false
  #undoTimer: (() => void) | undefined
  #timerMs = Number.POSITIVE_INFINITY
  /** Not later than the earliest deadline in the queue. */
  #deadlineMs = Number.POSITIVE_INFINITY

  constructor(options: BatcherOptions<W>) {
    this.#options = options
  }

  get queuedRows(): number {
    return this.#queue.rows
  }

  get queuedWork(): number {
    return this.#queue.length
  }

  /** How long company would be waited for now, at most. */
  get holdMs(): number {
    return Math.min(this.#options.policy.maxQueueDelayMs, this.service.fixedMs) * this.#patience
  }

  get runningRows(): number {
    return this.#running?.rows ?? 0
  }

  /** Whether so many rows would be taken now: `full` when the queue cannot hold them, `too late` by prediction. */
  refusal(rows: number, deadlineAtMs: number): Refusal | undefined {
    const startMs = this.#predictedStartMs()
    const waitMs = startMs - this.#options.timers.nowMs()
    if (this.#queue.rows + rows > this.#options.policy.maxQueueRows) {
      return { reason: 'full', retryAfterMs: Math.max(1, Math.ceil(waitMs / 2)) }
    }
    if (startMs > deadlineAtMs) return { reason: 'too late', retryAfterMs: Math.max(1, Math.ceil(waitMs)) }
    return undefined
  }

  submit(work: W): void {
    this.#queue.push(work)
    if (work.deadlineAtMs < this.#deadlineMs) this.#deadlineMs = work.deadlineAtMs
    if (this.#running === undefined) this.#pumpSoon()
    else this.#arm(Number.POSITIVE_INFINITY)
  }

  /** Nobody waits for it any more; false when it runs already. */
  withdraw(work: W): boolean {
    return this.#queue.remove(work)
  }

  #pumpSoon(): void {
    if (this.#isPumpDue) return
    this.#isPumpDue = true
    this.#options.timers.soon(() => {
      this.#isPumpDue = false
      this.#pump()
    })
  }

  #pump(): void {
    const nowMs = this.#options.timers.nowMs()
    if (nowMs >= this.#deadlineMs) this.#expire(nowMs)
    if (this.#running !== undefined) {
      this.#arm(Number.POSITIVE_INFINITY)
      return
    }
    const decision = decide(this.#queue, this.#options.policy, this.#outlook(), nowMs)
    if (decision.kind === 'run') {
      this.runs[decision.reason]++
      this.#patience = nextPatience(this.#patience, decision.reason)
      this.#start(decision.batch, nowMs)
    }
    this.#arm(decision.kind === 'wait' ? decision.untilMs : Number.POSITIVE_INFINITY)
  }

  #start(batch: Batch<W>, nowMs: number): void {
    for (const work of batch.work) this.#queue.remove(work)
    this.#running = { rows: batch.rows, startedMs: nowMs }
    void this.#options.run(batch, nowMs).then(() => {
      const endMs = this.#options.timers.nowMs()
      this.service.observe(batch.rows, endMs - nowMs)
      this.#companyRows = batch.rows + this.#queue.rows
      this.#freeSinceMs = endMs
      this.#running = undefined
      this.#pump()
    })
  }

  #outlook(): Outlook {
    return {
      companyRows: this.#companyRows,
      patience: this.#patience,
      fixedMs: this.service.fixedMs,
      serviceMs: (rows) => this.service.of(rows),
      freeSinceMs: this.#freeSinceMs,
    }
  }

  #expire(nowMs: number): void {
    let nextMs = Number.POSITIVE_INFINITY
    const expired: W[] = []
    for (const work of this.#queue) {
      if (work.deadlineAtMs <= nowMs) expired.push(work)
      else if (work.deadlineAtMs < nextMs) nextMs = work.deadlineAtMs
    }
    this.#deadlineMs = nextMs
    for (const work of expired) {
      if (this.#queue.remove(work)) this.#options.onExpired(work)
    }
  }

  /** One timer for whatever comes first; a deadline that lies behind it is armed when it fires. */
  #arm(dueMs: number): void {
    const wantedMs = Math.min(dueMs, this.#queue.length === 0 ? Number.POSITIVE_INFINITY : this.#deadlineMs)
    // A timer that wakes too early arms again, which is cheaper than a new one for each request.
    if (wantedMs >= this.#timerMs || wantedMs === Number.POSITIVE_INFINITY) return
    this.#undoTimer?.()
    this.#timerMs = wantedMs
    this.#undoTimer = this.#options.timers.at(wantedMs, () => {
      this.#timerMs = Number.POSITIVE_INFINITY
      this.#undoTimer = undefined
      this.#pump()
    })
  }

  /** When a request that joins the queue now would start, if batches stay full and as slow as they were. */
  #predictedStartMs(): number {
    const { policy, timers } = this.#options
    let startMs = timers.nowMs()
    if (this.#running !== undefined) {
      startMs = Math.max(startMs, this.#running.startedMs + this.service.of(this.#running.rows))
    }
    const fullBatches = Math.floor(this.#queue.rows / policy.maxBatchSize)
    return startMs + fullBatches * this.service.of(policy.maxBatchSize)
  }
}
