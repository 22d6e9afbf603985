import { type EmbedRequest, NO_USAGE } from '../../../contracts/index.ts'
import type { LoadedModel } from './load-model.ts'
import type { PromptWriter } from './prompt.ts'
import { lacking, RequestRefused, wrong } from './refusal.ts'
import { serviceOrder } from './schedule.ts'
import type { Work } from './work.ts'

interface Queued {
  readonly work: Work
  readonly inputs: readonly (readonly number[])[]
  readonly isBase64: boolean
}

/** Texts to vectors of length 1, one text after the other: llama.cpp pools one sequence at a time. */
export class Embedder {
  readonly #loaded: LoadedModel
  readonly #prompts: PromptWriter
  readonly #nowMs: () => number
  #queue: Queued[] = []
  #running: Promise<void> | undefined
  #isStopping = false

  constructor(loaded: LoadedModel, prompts: PromptWriter, nowMs: () => number) {
    this.#loaded = loaded
    this.#prompts = prompts
    this.#nowMs = nowMs
  }

  /** Throws `RequestRefused`. */
  read(request: EmbedRequest): Omit<Queued, 'work'> {
    for (const name of Object.keys(request.extras ?? {}))
      throw lacking(`extras.${name}`, `Models that run here do not have ${name}.`)
    if (request.purpose !== undefined)
      throw lacking('purpose', 'This model does not tell questions from documents.')
    const size = this.#loaded.model.getEmbeddingVectorSize()
    if (request.dimensions !== undefined && request.dimensions !== size)
      throw lacking('dimensions', `Vectors of this model have ${size} numbers, not ${request.dimensions}.`)
    const inputs = request.inputs.map((input) =>
      typeof input === 'string' ? this.#prompts.tokensOfText(input) : this.#prompts.marked(input),
    )
    for (const [index, { length }] of inputs.entries()) {
      if (length === 0) throw wrong(`Text ${index} is empty and has no vector.`)
      if (length > this.#loaded.plan.contextTokens)
        throw new RequestRefused({
          code: 'context_too_long',
          detail: `Text ${index} has ${length} tokens; this model reads ${this.#loaded.plan.contextTokens}.`,
          field: `inputs.${index}`,
          retrySafe: false,
        })
    }
    return { inputs, isBase64: request.encoding === 'base64' }
  }

  enqueue(queued: Queued): void {
    this.#queue.push(queued)
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      this.#queue = this.#queue.filter(({ work }) => !work.isOver)
      const order = serviceOrder(
        this.#queue.map((queued) => ({
          queued,
          priority: queued.work.priority,
          arrivedMs: queued.work.arrivedMs,
          deadlineAtMs: queued.work.deadlineAtMs,
          isCancelled: queued.work.isOver,
        })),
        this.#nowMs(),
      )
      const next = order[0]?.queued
      if (next === undefined) return
      this.#queue = this.#queue.filter((queued) => queued !== next)
      await this.#embed(next)
    }
  }

  async #embed({ work, inputs, isBase64 }: Queued): Promise<void> {
    const tokens = inputs.reduce((sum, { length }) => sum + length, 0)
    work.prefillBegan({ ...NO_USAGE, input: tokens, cacheRead: 0, output: 0 })
    const vectors: (number[] | string)[] = []
    try {
      for (const input of inputs) {
        if (work.isOver) return
        const vector = await this.#vector(input)
        vectors.push(isBase64 ? Buffer.from(Float32Array.from(vector).buffer).toString('base64') : vector)
      }
    } catch (error) {
      work.fail({
        code: 'model_failed',
        detail: `llama.cpp: ${error instanceof Error ? error.message : String(error)}`,
        retrySafe: true,
      })
      return
    }
    work.done({ vectors, usage: work.usage })
  }

  async #vector(tokens: readonly number[]): Promise<number[]> {
    const { context } = this.#loaded
    context.disposeSequence(0)
    context.initBatch(tokens.length)
    context.addToBatch(0, 0, Uint32Array.from(tokens), Uint32Array.of(tokens.length - 1))
    await context.decodeBatch()
    const numbers = Array.from(context.getEmbedding(tokens.length))
    const length = Math.hypot(...numbers)
    return length === 0 ? numbers : numbers.map((number) => number / length)
  }
}
