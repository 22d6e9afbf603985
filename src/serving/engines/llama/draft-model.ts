import type { NativeContext, NativeModel, NativeSampler } from './binding.ts'
import { commonBeginning } from './kv-budget.ts'

export interface DraftAsk {
  /** The same number as in the larger model's context. */
  readonly sequence: number
  readonly tokens: readonly number[]
  readonly maxTokens: number
}

/** Below this share of certainty a proposal is more likely to cost a reading than to save one. */
const LEAST_CONFIDENCE = 0.4

/**
 * Proposes the next tokens by a smaller model of the same vocabulary, for all sequences together: each round is one batch. It keeps
 * its own KV of every sequence and reads only what is new.
 */
export class DraftModel {
  readonly #model: NativeModel
  readonly #context: NativeContext
  readonly #sampler: NativeSampler
  readonly #batchTokens: number
  readonly #held = new Map<number, number[]>()

  constructor(model: NativeModel, context: NativeContext, sampler: NativeSampler, batchTokens: number) {
    this.#model = model
    this.#context = context
    this.#sampler = sampler
    this.#batchTokens = batchTokens
  }

  async propose(asks: readonly DraftAsk[]): Promise<ReadonlyMap<number, number[]>> {
    const proposals = new Map<number, number[]>(asks.map(({ sequence }) => [sequence, []]))
    let round = asks.filter(({ maxTokens }) => maxTokens > 0)
    let unread = new Map(round.map((ask) => [ask.sequence, this.#unread(ask)]))
    while (round.length > 0) {
      const logits = await this.#read(unread)
      const asked = round
      unread = new Map()
      round = []
      // One after the other: they share a sampler, which has one working memory.
      for (const ask of asked) {
        const at = logits.get(ask.sequence) as number
        const [token, , confidence = 0] = await this.#context.sampleToken(at, this.#sampler, false, true)
        const proposed = proposals.get(ask.sequence) as number[]
        if (token < 0 || confidence < LEAST_CONFIDENCE || this.#model.isEogToken(token)) continue
        proposed.push(token)
        if (proposed.length === ask.maxTokens) continue
        unread.set(ask.sequence, [token])
        round.push(ask)
      }
    }
    return proposals
  }

  #unread({ sequence, tokens }: DraftAsk): number[] {
    const held = this.#held.get(sequence) ?? []
    const kept = Math.min(commonBeginning(held, tokens), tokens.length - 1)
    if (kept < held.length && !this.#context.removeTokenCellsFromSequence(sequence, kept, -1)) {
      this.#context.disposeSequence(sequence)
      this.#held.set(sequence, [])
      return [...tokens]
    }
    this.#held.set(sequence, held.slice(0, kept))
    return tokens.slice(kept)
  }

  /** Where the logits after each sequence's last token are; long texts go in pieces, and their ends in the last batch. */
  async #read(unread: ReadonlyMap<number, readonly number[]>): Promise<Map<number, number>> {
    for (const [sequence, tokens] of unread) {
      const early = tokens.slice(0, -1)
      for (let from = 0; from < early.length; from += this.#batchTokens) {
        const piece = early.slice(from, from + this.#batchTokens)
        this.#context.initBatch(piece.length)
        this.#add(sequence, piece, [])
        await this.#context.decodeBatch()
      }
    }
    const logits = new Map<number, number>()
    this.#context.initBatch(unread.size)
    for (const [sequence, tokens] of unread) {
      const [place] = this.#add(sequence, tokens.slice(-1), [0])
      logits.set(sequence, place as number)
    }
    await this.#context.decodeBatch()
    return logits
  }

  #add(sequence: number, tokens: readonly number[], logitsOf: number[]): Uint32Array {
    const held = this.#held.get(sequence) ?? []
    const places = this.#context.addToBatch(
      sequence,
      held.length,
      Uint32Array.from(tokens),
      Uint32Array.from(logitsOf),
    )
    held.push(...tokens)
    this.#held.set(sequence, held)
    return places
  }

  async dispose(): Promise<void> {
    this.#sampler.dispose()
    await this.#context.dispose()
    await this.#model.dispose()
  }
}
