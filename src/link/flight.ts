import { NumberMap } from '../kernel/index.ts'
import type { ClientStream } from './client-stream.ts'
import { LinkProtocolError } from './frame.ts'
import type { LinkCredit, LinkOutcome, LinkRequest } from './link.ts'

export interface Pending {
  readonly id: number
  readonly rows: number
  readonly bytes: number
  /** Of a stream that was stopped: when its end is waited for no longer. */
  deadlineAtMs: number
  readonly request: LinkRequest
  /** Of requests that are answered by events. */
  readonly stream: ClientStream | undefined
  /** Gone once the caller was told; the credit may still be out. */
  settle: ((outcome: LinkOutcome) => void) | undefined
  sent: boolean
}

/**
 * The books of one connection: what is sent, what waits for credit, and who was told. A request that was cancelled
 * after it was sent keeps its credit until the server's frame comes; its caller is told at once.
 */
export class Flight {
  credit: LinkCredit = { rows: 0, bytes: 0 }
  unsettled = 0
  unsettledRows = 0
  readonly #maxWaitingRows: number
  readonly #sent = new NumberMap<Pending>()
  /** In order of arrival. */
  readonly #waiting = new Map<number, Pending>()
  #waitingRows = 0
  #sentRows = 0
  #sentBytes = 0
  #lastId = 0

  constructor(maxWaitingRows: number) {
    this.#maxWaitingRows = maxWaitingRows
  }

  nextId(): number {
    do this.#lastId = this.#lastId === 0xffffffff ? 1 : this.#lastId + 1
    while (this.#sent.has(this.#lastId) || this.#waiting.has(this.#lastId))
    return this.#lastId
  }

  /** Takes a request in: to be sent now, or waiting for credit. `full` takes nothing. */
  enter(pending: Pending): 'send' | 'wait' | 'full' {
    const mayGo = this.#waiting.size === 0 && this.#hasCredit(pending)
    if (!mayGo && this.#waitingRows + pending.rows > this.#maxWaitingRows) return 'full'
    this.unsettled++
    this.unsettledRows += pending.rows
    if (mayGo) {
      this.#markSent(pending)
      return 'send'
    }
    this.#waiting.set(pending.id, pending)
    this.#waitingRows += pending.rows
    return 'wait'
  }

  /** The next that waits and now has credit, marked as sent. */
  next(): Pending | undefined {
    for (const pending of this.#waiting.values()) {
      if (!this.#hasCredit(pending)) return undefined
      this.#unqueue(pending)
      this.#markSent(pending)
      return pending
    }
    return undefined
  }

  find(id: number): Pending | undefined {
    return this.#sent.get(id) ?? this.#waiting.get(id)
  }

  /** The server gave back the credit of a request; throws `LinkProtocolError` when it had none. */
  landed(id: number): Pending {
    const pending = this.#sent.get(id)
    if (pending === undefined) throw new LinkProtocolError(`nothing is in flight as ${id}`)
    this.#sent.delete(id)
    this.#sentRows -= pending.rows
    this.#sentBytes -= pending.bytes
    return pending
  }

  /** Tells the caller, once; what waited leaves the queue, what was sent stays until it lands. */
  settle(pending: Pending, outcome: LinkOutcome): void {
    const { settle } = pending
    if (settle === undefined) return
    pending.settle = undefined
    if (!pending.sent) this.#unqueue(pending)
    this.unsettled--
    this.unsettledRows -= pending.rows
    settle(outcome)
  }

  waiting(): readonly Pending[] {
    return [...this.#waiting.values()]
  }

  /** Those whose callers wait, in the queue or on the way. */
  *unsettledOnes(): IterableIterator<Pending> {
    for (const pendings of [this.#sent, this.#waiting]) {
      for (const pending of pendings.values()) if (pending.settle !== undefined) yield pending
    }
  }

  #hasCredit(pending: Pending): boolean {
    return (
      this.#sent.size === 0 ||
      (this.#sentRows + pending.rows <= this.credit.rows &&
        this.#sentBytes + pending.bytes <= this.credit.bytes)
    )
  }

  #markSent(pending: Pending): void {
    pending.sent = true
    this.#sent.set(pending.id, pending)
    this.#sentRows += pending.rows
    this.#sentBytes += pending.bytes
  }

  #unqueue(pending: Pending): void {
    if (this.#waiting.delete(pending.id)) this.#waitingRows -= pending.rows
  }
}
