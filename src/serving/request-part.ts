import type { LinkExchange, LinkSpent } from '../link/index.ts'
import type { Work } from './batcher/queue.ts'

/** A request in the queue, or a part of one that is larger than a batch. */
export class RequestPart implements Work {
  readonly rows: number
  readonly shapeKey: string
  readonly body: Uint8Array
  readonly arrivedMs: number
  readonly priority: number
  readonly deadlineAtMs: number
  readonly #whole: WholeRequest
  readonly #place: number

  constructor(whole: WholeRequest, place: number, rows: number, body: Uint8Array, shapeKey: string) {
    this.#whole = whole
    this.#place = place
    this.rows = rows
    this.body = body
    this.shapeKey = shapeKey
    this.arrivedMs = whole.exchange.arrivedMs
    this.priority = whole.exchange.priority
    this.deadlineAtMs = whole.exchange.deadlineAtMs
  }

  /** False when the caller left, or another part of the request failed. */
  get isWanted(): boolean {
    return !this.#whole.exchange.settled
  }

  answer(body: Uint8Array, spent: LinkSpent): void {
    this.#whole.answerPart(this.#place, body, spent)
  }

  fail(reason: string): void {
    this.#whole.fail(reason)
  }

  expire(): void {
    this.#whole.expire()
  }
}

/** Puts the answers of a request's parts together, and withdraws the rest of them when one fails. */
export class WholeRequest {
  readonly exchange: LinkExchange
  readonly parts: RequestPart[] = []
  readonly #names: { readonly model: string; readonly version: string }
  readonly #withdraw: (part: RequestPart) => void
  readonly #answers: Uint8Array[] = []
  #missing = 0
  #computeUs = 0
  #preprocessUs = 0
  #queueUs = 0

  constructor(
    exchange: LinkExchange,
    names: { readonly model: string; readonly version: string },
    withdraw: (part: RequestPart) => void,
  ) {
    this.exchange = exchange
    this.#names = names
    this.#withdraw = withdraw
    exchange.onCancel = () => this.#withdrawAll()
  }

  add(rows: number, body: Uint8Array, shapeKey: string): RequestPart {
    const part = new RequestPart(this, this.parts.length, rows, body, shapeKey)
    this.parts.push(part)
    this.#missing++
    return part
  }

  answerPart(place: number, body: Uint8Array, spent: LinkSpent): void {
    this.#answers[place] = body
    this.#computeUs += spent.computeUs
    this.#preprocessUs += spent.preprocessUs
    // Parts wait at the same time; the last to start tells how long.
    this.#queueUs = Math.max(this.#queueUs, spent.queueUs)
    this.#missing--
    if (this.#missing > 0) return
    const whole = this.#answers.length === 1 ? body : Buffer.concat(this.#answers)
    this.exchange.answer(this.exchange.rows, whole, {
      computeUs: this.#computeUs,
      preprocessUs: this.#preprocessUs,
      queueUs: this.#queueUs,
    })
  }

  fail(reason: string): void {
    this.exchange.fail('model_failed', { ...this.#names, reason }, { detail: reason })
    this.#withdrawAll()
  }

  expire(): void {
    const timeoutMs = Math.round(this.exchange.deadlineAtMs - this.exchange.arrivedMs)
    // It left the queue, so nothing of it was computed, unless it has other parts.
    this.exchange.fail('deadline_exceeded', { timeoutMs }, { retrySafe: this.parts.length === 1 })
    this.#withdrawAll()
  }

  #withdrawAll(): void {
    for (const part of this.parts) this.#withdraw(part)
  }
}
