import type { GenerateEvent } from '../../../contracts/index.ts'
import type { AnswerEnd, AnswerWriter, WrittenLogprob } from './answer-writer.ts'
import type { NativeModel, NativeSampler } from './binding.ts'
import type { Work } from './work.ts'

/** One answer in the making; a request has as many as it asked for. */
export interface ChoiceWish {
  readonly index: number
  readonly input: readonly number[]
  readonly maxOutputTokens: number
  readonly adapter: string | undefined
  readonly topLogprobs: number | undefined
  readonly writer: AnswerWriter
  /** Called when it gets a sequence, so that waiting ones hold no native memory. */
  readonly openSampler: () => NativeSampler
}

export class ChoiceRun {
  readonly work: Work
  readonly wish: ChoiceWish
  /** Question and answer so far. */
  readonly tokens: number[]
  outputTokens = 0
  /** The number of tokens worth proposing for it, as the last proposals went. */
  proposalTokens: number
  proposals: readonly number[] = []
  lastBatch = 0
  end: AnswerEnd | undefined
  readonly #model: NativeModel
  readonly #maxProposalTokens: number
  #sampler: NativeSampler | undefined

  constructor(work: Work, wish: ChoiceWish, model: NativeModel, maxProposalTokens: number) {
    this.work = work
    this.wish = wish
    this.tokens = [...wish.input]
    this.#model = model
    this.#maxProposalTokens = maxProposalTokens
    this.proposalTokens = maxProposalTokens
  }

  get priority(): number {
    return this.work.priority
  }

  get arrivedMs(): number {
    return this.work.arrivedMs
  }

  get deadlineAtMs(): number {
    return this.work.deadlineAtMs
  }

  get isCancelled(): boolean {
    return this.work.isOver
  }

  get sampler(): NativeSampler {
    this.#sampler ??= this.wish.openSampler()
    return this.#sampler
  }

  /** How many proposals could still be of use: the answer's last token is drawn, not proposed. */
  get usefulProposals(): number {
    return Math.min(this.proposalTokens, this.wish.maxOutputTokens - this.outputTokens - 1)
  }

  /** A token was drawn; defined when it is the last. */
  take(token: number, logprob: WrittenLogprob | undefined): AnswerEnd | undefined {
    this.work.decodeBegan()
    this.work.tokenDrawn()
    this.outputTokens++
    this.tokens.push(token)
    this.end = this.#endAfter(token, logprob)
    return this.end
  }

  /** More of what goes well, less of what does not. */
  judged(proposed: number, accepted: number): void {
    if (proposed === 0) return
    this.proposalTokens =
      accepted === proposed
        ? Math.min(this.#maxProposalTokens, this.proposalTokens + 2)
        : Math.max(1, accepted + 1)
  }

  /** What can be told by now. */
  events(): GenerateEvent[] {
    return this.end === undefined ? this.wish.writer.take() : this.wish.writer.end(this.end)
  }

  close(): void {
    this.#sampler?.dispose()
    this.#sampler = undefined
  }

  #endAfter(token: number, logprob: WrittenLogprob | undefined): AnswerEnd | undefined {
    if (this.#model.isEogToken(token)) return { reason: 'stop', raw: 'end-token' }
    const end = this.wish.writer.push(token, logprob)
    if (end !== undefined) return end
    return this.outputTokens >= this.wish.maxOutputTokens
      ? { reason: 'length', raw: 'max-output-tokens' }
      : undefined
  }
}
