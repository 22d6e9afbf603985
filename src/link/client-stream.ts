import type { Frame } from './frame.ts'
import { headerObject } from './frame.ts'
import { failure } from './handshake.ts'
import type { LinkErrorCode, LinkOutcome, LinkStream, LinkStreamOutcome, LinkStreamSink } from './link.ts'

/** Of events, under way and held here together. A stalled reader holds so much and what the server had in hand. */
export const DEFAULT_WINDOW_BYTES = 64 * 1024

/** The connection, as a stream needs it. */
export interface StreamCarrier {
  grant(requestId: number, bytes: number): void
  stop(requestId: number, code: StopCode): void
}

/** What the books of the connection know of it. */
interface Carried {
  readonly id: number
  readonly sent: boolean
  readonly request: { readonly deadlineMs?: number }
}

export type StopCode = Extract<LinkErrorCode, 'cancelled' | 'deadline_exceeded'>

/**
 * One stream at the client. open ──end or loss──▶ told; while it is paused everything is held, the end too, so that
 * nothing is told out of order. `cancel` drops what is held and tells the end as soon as it is in.
 *
 * What was handed on is granted again once it is half a window, so that a reader that keeps up costs a small frame for
 * every 32 KiB.
 */
export class ClientStream implements LinkStream {
  readonly windowBytes: number
  /** Why the caller waits no longer. */
  stopped: StopCode | undefined
  readonly #sink: LinkStreamSink
  readonly #carrier: StreamCarrier
  #pending: Carried | undefined
  readonly #held: { readonly body: Buffer; readonly count: number }[] = []
  #outcome: LinkStreamOutcome | undefined
  #ungrantedBytes = 0
  #isPaused = false
  #isDelivering = false
  #isTold = false

  constructor(sink: LinkStreamSink, carrier: StreamCarrier, windowBytes = DEFAULT_WINDOW_BYTES) {
    this.#sink = sink
    this.#carrier = carrier
    this.windowBytes = windowBytes
  }

  /** Before anything else. */
  carriedAs(pending: Carried): void {
    this.#pending = pending
  }

  events({ body, rows }: Frame): void {
    if (this.#isTold || this.stopped !== undefined) return
    // Views would hold the chunks that they lie in.
    if (this.#isPaused || this.#isDelivering) this.#held.push({ body: Buffer.from(body), count: rows })
    else this.#deliver(body, rows)
  }

  /** The end frame, or how it ended without one. */
  ended(outcome: LinkOutcome, header?: Buffer): void {
    const end = header === undefined ? undefined : headerObject(header)
    if (this.stopped !== undefined) {
      this.#tell(this.#asStopped(this.stopped, end))
      return
    }
    const told: LinkStreamOutcome = outcome.ok ? { ok: true, end: end ?? {}, body: outcome.body } : outcome
    if (this.#isPaused || this.#isDelivering || this.#held.length > 0) this.#outcome = held(told)
    else this.#tell(told)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    if (this.#isDelivering) return
    while (this.#held.length > 0 && !this.#isPaused) {
      const { body, count } = this.#held.shift() as { body: Buffer; count: number }
      this.#deliver(body, count)
    }
    this.#tellHeld()
  }

  cancel(): void {
    if (this.#isTold || this.stopped !== undefined) return
    this.stopped = 'cancelled'
    this.#held.length = 0
    const outcome = this.#outcome
    if (outcome === undefined) this.#carrier.stop((this.#pending as Carried).id, 'cancelled')
    else this.#tell(this.#asStopped('cancelled', outcome.end))
  }

  #deliver(body: Buffer, count: number): void {
    this.#isDelivering = true
    this.#sink.events(body, count)
    this.#isDelivering = false
    this.#ungrantedBytes += body.length
    if (this.#outcome !== undefined || this.stopped !== undefined) return
    if (this.#ungrantedBytes * 2 < this.windowBytes) return
    this.#carrier.grant((this.#pending as Carried).id, this.#ungrantedBytes)
    this.#ungrantedBytes = 0
  }

  #tellHeld(): void {
    if (this.#outcome !== undefined && !this.#isPaused && this.#held.length === 0) this.#tell(this.#outcome)
  }

  #tell(outcome: LinkStreamOutcome): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#outcome = undefined
    this.#held.length = 0
    this.#sink.settled(outcome)
  }

  #asStopped(code: StopCode, end: Readonly<Record<string, unknown>> | undefined): LinkStreamOutcome {
    const pending = this.#pending as Carried
    const parameters = code === 'deadline_exceeded' ? { timeoutMs: pending.request.deadlineMs ?? 0 } : {}
    const told = failure(code, parameters, STOPPED[code], !pending.sent, pending.sent)
    return end === undefined ? told : { ...told, end }
  }
}

const STOPPED: Record<StopCode, string> = {
  cancelled: 'the caller cancelled',
  deadline_exceeded: 'the deadline passed on the way',
}

/** Received bytes are views only for as long as the callback runs. */
function held(outcome: LinkStreamOutcome): LinkStreamOutcome {
  return outcome.ok ? { ...outcome, body: Buffer.from(outcome.body) } : outcome
}
