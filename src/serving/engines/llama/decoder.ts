import { NO_USAGE } from '../../../contracts/index.ts'
import type { WrittenLogprob } from './answer-writer.ts'
import { planBatch } from './batch-plan.ts'
import type { ChoiceRun } from './choice-run.ts'
import type { DraftModel } from './draft-model.ts'
import { decideKv, type KvSequence, type KvShape, usedBlocks } from './kv-budget.ts'
import type { LoadedModel } from './load-model.ts'
import { lookUp } from './prompt-lookup.ts'
import { serviceOrder } from './schedule.ts'

/** What a sequence of the context holds, and for whom. */
interface Sequence {
  readonly id: number
  tokens: number[]
  adapter: string | undefined
  run: ChoiceRun | undefined
  idleSince: number
}

export interface DecoderCounts {
  inputTokens: number
  reusedTokens: number
  outputTokens: number
  draftedTokens: number
  acceptedTokens: number
}

/**
 * The loop that all requests share: let in who fits, make a batch of everybody's next tokens, read it, draw, tell, and
 * again. Everything that touches the native context happens here, one step after the other, so nothing is locked.
 */
export class Decoder {
  readonly counts: DecoderCounts = {
    inputTokens: 0,
    reusedTokens: 0,
    outputTokens: 0,
    draftedTokens: 0,
    acceptedTokens: 0,
  }
  readonly shape: KvShape
  readonly #loaded: LoadedModel
  readonly #sequences: Sequence[]
  readonly #nowMs: () => number
  #waiting: ChoiceRun[] = []
  #batches = 0
  #idleStamp = 0
  #adapter: string | undefined
  #wake: (() => void) | undefined
  #isStopping = false
  readonly #ended: Promise<void>

  constructor(loaded: LoadedModel, nowMs: () => number) {
    this.#loaded = loaded
    this.#nowMs = nowMs
    this.shape = { sequenceTokens: loaded.plan.contextTokens, blockTokens: loaded.settings.kvBlockTokens }
    this.#sequences = Array.from({ length: loaded.settings.sequences }, (_, id) => ({
      id,
      tokens: [],
      adapter: undefined,
      run: undefined,
      idleSince: 0,
    }))
    this.#ended = this.#loop()
  }

  enqueue(runs: readonly ChoiceRun[]): void {
    this.#waiting.push(...runs)
    this.look()
  }

  /** Something changed: work came, left, or goes on. */
  look(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  get usedBlocks(): number {
    return usedBlocks(this.#kv(), this.shape)
  }

  /** As if nothing had been asked yet; only while nothing runs. */
  forget(): void {
    for (const sequence of this.#sequences) this.#truncate(sequence, 0)
    for (const name of Object.keys(this.counts) as (keyof DecoderCounts)[]) this.counts[name] = 0
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.look()
    await this.#ended
  }

  async #loop(): Promise<void> {
    while (!this.#isStopping) {
      this.#dropLeft()
      await this.#admit()
      if (await this.#turn()) continue
      if (this.#isStopping) break
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    for (const sequence of this.#sequences) sequence.run?.close()
  }

  /** Frees the sequences of whoever is over. */
  #dropLeft(): void {
    this.#waiting = this.#waiting.filter((run) => !run.work.isOver)
    for (const sequence of this.#sequences) if (sequence.run?.work.isOver === true) this.#release(sequence)
  }

  #release(sequence: Sequence): void {
    sequence.run?.close()
    sequence.run = undefined
    sequence.idleSince = ++this.#idleStamp
  }

  async #admit(): Promise<void> {
    for (const run of serviceOrder(this.#waiting, this.#nowMs())) {
      // Further choices begin when the first has read the question: then they copy it.
      if (run.wish.index > 0 && !this.#isQuestionRead(run)) continue
      if (run.work.isPaused) continue
      const need = {
        input: run.wish.input,
        maxOutputTokens: run.wish.maxOutputTokens,
        adapter: run.wish.adapter,
      }
      const decision = decideKv(this.#kv(), need, this.shape)
      if (decision.kind === 'wait') return
      this.#waiting = this.#waiting.filter((other) => other !== run)
      if (decision.kind === 'refuse') {
        run.work.fail({
          code: 'context_too_long',
          detail: 'The question does not fit any sequence.',
          retrySafe: false,
        })
        continue
      }
      const sequence = this.#sequences[decision.sequence] as Sequence
      const source = decision.copyFrom === undefined ? undefined : this.#sequences[decision.copyFrom]
      if (source !== undefined) await this.#copy(source, sequence)
      this.#truncate(sequence, decision.reusedTokens)
      sequence.adapter = run.wish.adapter
      sequence.run = run
      this.#begin(run, sequence.tokens.length)
    }
  }

  #begin(run: ChoiceRun, reused: number): void {
    const input = run.wish.input.length
    this.counts.inputTokens += input
    this.counts.reusedTokens += reused
    run.work.prefillBegan({ ...NO_USAGE, input: input - reused, cacheRead: reused, output: 0 })
  }

  #isQuestionRead(run: ChoiceRun): boolean {
    return (
      !this.#waiting.some((other) => other.work === run.work && other.wish.index === 0) &&
      !this.#sequences.some(
        (sequence) =>
          sequence.run?.work === run.work && sequence.run.wish.index === 0 && sequence.run.outputTokens === 0,
      )
    )
  }

  async #copy(source: Sequence, target: Sequence): Promise<void> {
    const { context } = this.#loaded
    context.disposeSequence(target.id)
    await context.copySequenceStateFromOtherSequence(target.id, source.id)
    target.tokens = [...source.tokens]
  }

  /** Some architectures cannot forget a part: then all is read again. */
  #truncate(sequence: Sequence, length: number): void {
    if (length >= sequence.tokens.length) return
    const { context } = this.#loaded
    if (length > 0 && context.removeTokenCellsFromSequence(sequence.id, length, -1)) {
      sequence.tokens.length = length
      return
    }
    context.disposeSequence(sequence.id)
    sequence.tokens = []
  }

  /** One batch; false when there is nothing to read. */
  async #turn(): Promise<boolean> {
    const busy = this.#sequences.filter((sequence) => sequence.run !== undefined)
    await this.#propose(busy)
    const running = busy.filter((sequence) => sequence.run !== undefined)
    const plan = planBatch(
      running.map((sequence) => {
        const run = sequence.run as ChoiceRun
        return {
          id: sequence.id,
          adapter: run.wish.adapter,
          unreadTokens: unreadOf(sequence).length,
          isAnswering: isAnswering(sequence),
          isPaused: run.work.isPaused,
          lastBatch: run.lastBatch,
        }
      }),
      this.#loaded.batchTokens,
    )
    if (plan === undefined) return false
    try {
      await this.#readAndDraw(plan.adapter, plan.shares)
    } catch (error) {
      this.#fail(
        plan.shares.map(({ id }) => this.#sequences[id] as Sequence),
        error,
      )
    }
    return true
  }

  async #readAndDraw(
    adapter: string | undefined,
    shares: readonly { id: number; tokens: number }[],
  ): Promise<void> {
    const { context } = this.#loaded
    if (adapter !== this.#adapter) this.#useAdapter(adapter)
    context.initBatch(shares.reduce((sum, share) => sum + share.tokens, 0))
    this.#batches++
    const drawing: { sequence: Sequence; base: number; logits: Uint32Array }[] = []
    for (const { id, tokens } of shares) {
      const sequence = this.#sequences[id] as Sequence
      const run = sequence.run as ChoiceRun
      run.lastBatch = this.#batches
      const unread = unreadOf(sequence)
      const first = isAnswering(sequence) ? 0 : tokens - 1
      const isEnough = tokens === unread.length
      const logitsOf = isEnough
        ? Uint32Array.from({ length: tokens - first }, (_, at) => first + at)
        : new Uint32Array(0)
      const base = sequence.tokens.length
      const read = unread.slice(0, tokens)
      const logits = context.addToBatch(id, base, Uint32Array.from(read), logitsOf)
      sequence.tokens.push(...read)
      if (isEnough) drawing.push({ sequence, base: base + first, logits })
    }
    await context.decodeBatch()
    // One after the other: reading the context's output from two threads at once ends the process, and a sampler has
    // one working memory.
    for (const { sequence, base, logits } of drawing)
      await this.#draw(sequence, base, logits).catch((error: unknown) => this.#fail([sequence], error))
    for (const { sequence } of drawing) if (sequence.run !== undefined) this.#tell(sequence)
  }

  #useAdapter(adapter: string | undefined): void {
    const lora = adapter === undefined ? undefined : this.#loaded.adapters.get(adapter)
    this.#loaded.context.setLoras(
      lora === undefined ? [] : [lora.native],
      lora === undefined ? [] : [lora.scale],
    )
    this.#adapter = adapter
  }

  /**
   * Draws after the last token, and after each proposal as long as what is drawn is what was proposed: the answer is
   * the one that would have come without proposals.
   *
   * @param base where the token before the first drawn one stands.
   */
  async #draw(sequence: Sequence, base: number, logits: Uint32Array): Promise<void> {
    const run = sequence.run as ChoiceRun
    const { proposals } = run
    let accepted = 0
    for (const [place, at] of logits.entries()) {
      if (run.work.isOver) break
      const token = await this.#loaded.context.sampleToken(at, run.sampler)
      if (token < 0) throw new Error('no token can follow: the grammar is at a dead end')
      const logprob = await this.#logprob(run, at, token)
      this.counts.outputTokens++
      if (run.take(token, logprob) !== undefined || token !== proposals[place]) break
      accepted++
    }
    this.counts.acceptedTokens += accepted
    run.judged(proposals.length, accepted)
    run.proposals = []
    this.#truncate(sequence, base + 1 + accepted)
  }

  /** Of the model itself: before temperature, filters, penalties and grammar. */
  async #logprob(run: ChoiceRun, at: number, token: number): Promise<WrittenLogprob | undefined> {
    const { topLogprobs } = run.wish
    if (topLogprobs === undefined) return
    const [, , , logits = [], totalWeight = 1] = await this.#loaded.context.sampleToken(
      at,
      this.#loaded.plainSampler,
      false,
      false,
      [[token], false, false, false, Math.max(1, topLogprobs)],
      true,
    )
    // The weight is the sum of exp(logit - largest logit), and the largest comes first.
    const norm = (logits[1] as number) + Math.log(totalWeight)
    const pairs = Array.from({ length: logits.length / 2 }, (_, pair) => ({
      token: logits[pair * 2] as number,
      logprob: (logits[pair * 2 + 1] as number) - norm,
    }))
    const chosen = pairs.at(-1) as { logprob: number }
    return { token, logprob: chosen.logprob, top: pairs.slice(0, topLogprobs) }
  }

  #tell(sequence: Sequence): void {
    const run = sequence.run as ChoiceRun
    const { work } = run
    for (const event of run.events()) work.emit(event)
    if (run.end === undefined) return
    this.#release(sequence)
    const isWhole =
      !this.#waiting.some((other) => other.work === work) &&
      !this.#sequences.some((other) => other.run?.work === work)
    if (!isWhole) return
    work.emit({ type: 'usage', usage: work.usage })
    work.done()
  }

  async #propose(busy: readonly Sequence[]): Promise<void> {
    const { settings, draft } = this.#loaded
    const { speculation } = settings
    if (speculation === undefined) return
    const able = busy.filter((sequence) => {
      const run = sequence.run as ChoiceRun
      return (
        isAnswering(sequence) && run.proposals.length === 0 && !run.work.isPaused && run.usefulProposals > 0
      )
    })
    if (able.length === 0) return
    const proposed =
      draft === undefined
        ? new Map(
            able.map(({ id, run }) => [
              id,
              lookUp(
                (run as ChoiceRun).tokens,
                speculation.kind === 'prompt-lookup' ? speculation.minMatch : 1,
                (run as ChoiceRun).usefulProposals,
              ),
            ]),
          )
        : await this.#drafted(draft, able)
    for (const { id, run } of able) {
      const tokens = proposed.get(id) ?? []
      if (run !== undefined) run.proposals = tokens
      this.counts.draftedTokens += tokens.length
    }
  }

  async #drafted(
    draft: DraftModel,
    able: readonly Sequence[],
  ): Promise<ReadonlyMap<number, readonly number[]>> {
    try {
      return await draft.propose(
        able.map(({ id, run }) => ({
          sequence: id,
          tokens: (run as ChoiceRun).tokens,
          maxTokens: (run as ChoiceRun).usefulProposals,
        })),
      )
    } catch (error) {
      this.#fail(able, error)
      return new Map()
    }
  }

  /** What they had read is lost with them; the context goes on with the others. */
  #fail(sequences: readonly Sequence[], error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error)
    for (const sequence of sequences) {
      const { run } = sequence
      this.#loaded.context.disposeSequence(sequence.id)
      sequence.tokens = []
      run?.work.fail({
        code: 'model_failed',
        detail: `llama.cpp: ${detail}`,
        retrySafe: run.outputTokens === 0,
      })
      this.#release(sequence)
    }
  }

  #kv(): KvSequence[] {
    return this.#sequences.map(({ id, tokens, adapter, run, idleSince }) => ({
      id,
      tokens,
      adapter,
      neededTokens: run === undefined ? 0 : run.wish.input.length + run.wish.maxOutputTokens,
      idleSince,
    }))
  }
}

function unreadOf({ run, tokens }: Sequence): number[] {
  return run === undefined ? [] : [...run.tokens.slice(tokens.length), ...run.proposals]
}

/** Its question is read and its last token is not. */
function isAnswering({ run, tokens }: Sequence): boolean {
  return run !== undefined && run.outputTokens > 0 && run.tokens.length - tokens.length === 1
}
