import type { CachedAnswer } from '../text/parts.ts'

export interface StoredAnswer {
  readonly answer: CachedAnswer
  readonly storedAtMs: number
  /** What it did cost; null where nobody knows. */
  readonly costUsd: string | null
}

interface Kept extends StoredAnswer {
  readonly bytes: number
}

/** Answers by key, bounded in bytes: who was not asked for longest goes first. */
export class AnswerStore {
  readonly #maxBytes: number
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(key: string): StoredAnswer | undefined {
    const found = this.#kept.get(key)
    if (found === undefined) return undefined
    // Maps keep the order of insertion, so the newest use stands last.
    this.#kept.delete(key)
    this.#kept.set(key, found)
    return found
  }

  /** An answer that is larger than a sixteenth of the room is not kept, since it would throw out too many. */
  set(key: string, stored: StoredAnswer): void {
    this.delete(key)
    const bytes = Buffer.byteLength(JSON.stringify(stored.answer)) + key.length + OVERHEAD_BYTES
    if (bytes > this.#maxBytes / 16) return
    this.#kept.set(key, { ...stored, bytes })
    this.#bytes += bytes
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.delete(oldest)
    }
  }

  delete(key: string): void {
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
