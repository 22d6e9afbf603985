import type { CachedAnswer } from '../text/parts.ts'

export interface StoredAnswer {
  readonly answer: CachedAnswer
  /** What it did cost; null where nobody knows. */
  readonly costUsd: string | null
}

export interface FoundAnswer extends StoredAnswer {
  readonly ageMs: number
}

/** Where answers are kept by key. A cache: what is set may be gone at any time, and is never wrong for its key. */
export interface Answers {
  /** Undefined too when it cannot be known in good time. Never rejects. `nowMs` is monotonic. */
  get(key: string, nowMs: number): FoundAnswer | undefined | Promise<FoundAnswer | undefined>
  /** At least wished for `keepMs`; an answer that is too large is not kept. */
  set(key: string, stored: StoredAnswer, keepMs: number, nowMs: number): void
  /** What is known of it here. */
  readonly size: { readonly answers: number; readonly bytes: number }
}

interface Kept extends StoredAnswer {
  readonly storedAtMs: number
  readonly bytes: number
}

/** In this process, bounded in bytes: who was not asked for longest goes first, and nobody goes for age alone. */
export class MemoryAnswers implements Answers {
  readonly #maxBytes: number
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(key: string, nowMs: number): FoundAnswer | undefined {
    const found = this.#kept.get(key)
    if (found === undefined) return undefined
    // Maps keep the order of insertion, so the newest use stands last.
    this.#kept.delete(key)
    this.#kept.set(key, found)
    return { answer: found.answer, costUsd: found.costUsd, ageMs: Math.max(0, nowMs - found.storedAtMs) }
  }

  /** An answer that is larger than a sixteenth of the room is not kept, since it would throw out too many. */
  set(key: string, stored: StoredAnswer, _keepMs: number, nowMs: number): void {
    this.#delete(key)
    const bytes = Buffer.byteLength(JSON.stringify(stored.answer)) + key.length + OVERHEAD_BYTES
    if (bytes > this.#maxBytes / 16) return
    this.#kept.set(key, { ...stored, storedAtMs: nowMs, bytes })
    this.#bytes += bytes
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#delete(oldest)
    }
  }

  #delete(key: string): void {
    const found = this.#kept.get(key)
    if (found === undefined) return
    this.#kept.delete(key)
    this.#bytes -= found.bytes
  }

  get size(): { answers: number; bytes: number } {
    return { answers: this.#kept.size, bytes: this.#bytes }
  }
}

/** An object in memory is larger than its JSON; measured at about this for short answers. */
const OVERHEAD_BYTES = 512
