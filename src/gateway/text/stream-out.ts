import type { HttpResponse } from '../server/http.ts'
import type { Flushed, StreamKeeper } from './stream-keeper.ts'

const HEARTBEAT = ': keep-alive\n\n'

/** Told when the client's side fills and empties. */
export interface StreamOwner {
  full(): void
  drained(): void
}

/**
 * One stream of server-sent events to a client. Whole events go in, so whatever this writes besides (a heartbeat)
 * stands between two of them. What is written during one turn of the event loop goes out as one chunk.
 *
 * open ──end──▶ ended ──the client took it all──▶ closed; a reader that takes nothing of a full buffer is stuck.
 */
export class StreamOut implements Flushed {
  readonly #response: HttpResponse
  readonly #keeper: StreamKeeper
  readonly #owner: StreamOwner
  #text = ''
  #isWaiting = false
  #isFull = false
  #isEnded = false
  /** Written since the last tick; dates are only taken there. */
  #isFresh = true
  #lastWriteMs = 0
  #lastLength = 0
  #lastProgressMs = 0

  constructor(response: HttpResponse, keeper: StreamKeeper, owner: StreamOwner) {
    this.#response = response
    this.#keeper = keeper
    this.#owner = owner
  }

  write(events: string): void {
    if (this.#isEnded || events === '') return
    this.#text += events
    if (this.#isWaiting) return
    this.#isWaiting = true
    this.#keeper.flushSoon(this)
  }

  writeBytes(events: Buffer): void {
    if (this.#isEnded) return
    this.flush()
    this.#sent(this.#response.write(events))
  }

  flush(): void {
    this.#isWaiting = false
    if (this.#text === '' || this.#isEnded) return
    const text = this.#text
    this.#text = ''
    this.#sent(this.#response.write(text))
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    const text = this.#text
    this.#text = ''
    if (text === '') this.#response.end()
    else this.#response.end(text)
  }

  /** The client left, or is to be cut: nothing is written any more. */
  drop(): void {
    this.#isEnded = true
    this.#text = ''
  }

  /** Heartbeats, and whether the reader is stuck: it took nothing for `writeTimeoutMs` though there was something. */
  tick(nowMs: number, heartbeatMs: number, writeTimeoutMs: number): 'fine' | 'stuck' {
    if (this.#isFresh) {
      this.#isFresh = false
      this.#lastWriteMs = nowMs
    }
    const length = this.#response.writableLength
    if (length !== this.#lastLength || length === 0 || this.#lastProgressMs === 0) {
      this.#lastLength = length
      this.#lastProgressMs = nowMs
    }
    if (nowMs - this.#lastProgressMs >= writeTimeoutMs) return 'stuck'
    if (!this.#isEnded && !this.#isFull && length === 0 && nowMs - this.#lastWriteMs >= heartbeatMs) {
      this.#lastWriteMs = nowMs
      this.#response.write(HEARTBEAT)
    }
    return 'fine'
  }

  #sent(hasRoom: boolean): void {
    this.#isFresh = true
    if (hasRoom || this.#isFull) return
    this.#isFull = true
    this.#response.once('drain', () => {
      this.#isFull = false
      if (!this.#isEnded) this.#owner.drained()
    })
    this.#owner.full()
  }
}
