import { SlipwayError } from '../../kernel/index.ts'
import type { HttpRequest } from './http.ts'

export interface IntakeBounds {
  readonly maxBodyBytes: number
  readonly maxBufferedBytes: number
}

export interface IntakeOwner {
  body(bytes: Buffer): void
  refused(error: SlipwayError): void
}

/**
 * Takes a request's body into memory, bounded by itself and by what all requests hold together. What it took is counted
 * in `buffered` until `giveBack`.
 */
export class BodyIntake {
  readonly #bounds: IntakeBounds
  readonly #buffered: { bytes: number }
  readonly #owner: IntakeOwner
  #chunks: Buffer[] = []
  #bytes = 0
  #isOpen = true

  constructor(bounds: IntakeBounds, buffered: { bytes: number }, owner: IntakeOwner) {
    this.#bounds = bounds
    this.#buffered = buffered
    this.#owner = owner
  }

  start(request: HttpRequest): void {
    request.on('data', (chunk: Buffer) => this.#take(chunk))
    request.on('end', () => this.#end())
  }

  /** Takes nothing more. */
  stop(): void {
    this.#isOpen = false
    this.#chunks = []
  }

  /** The body that was handed out is held in a longer form. */
  grew(bytes: number): void {
    this.#bytes += bytes
    this.#buffered.bytes += bytes
  }

  giveBack(): void {
    this.#buffered.bytes -= this.#bytes
    this.#bytes = 0
  }

  #take(chunk: Buffer): void {
    if (!this.#isOpen) return
    const { maxBodyBytes, maxBufferedBytes } = this.#bounds
    this.#bytes += chunk.length
    this.#buffered.bytes += chunk.length
    this.#chunks.push(chunk)
    if (this.#bytes > maxBodyBytes)
      this.#refuse(new SlipwayError('body_too_large', { limitBytes: maxBodyBytes }))
    else if (this.#buffered.bytes > maxBufferedBytes)
      this.#refuse(new SlipwayError('overloaded', { what: 'The gateway', retryAfterMs: 100 }))
  }

  #refuse(error: SlipwayError): void {
    this.stop()
    this.#owner.refused(error)
  }

  #end(): void {
    if (!this.#isOpen) return
    const chunks = this.#chunks
    this.stop()
    this.#owner.body(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
  }
}
