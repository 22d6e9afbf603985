import type { EmbedRequest, GenerateRequest } from '../../../contracts/index.ts'
import { type Clock, type Random, SlipwayError, seededRandom } from '../../../kernel/index.ts'
import type {
  TextEngine,
  TextEngineGauges,
  TextEngineInfo,
  TextLoadRequest,
  TextRun,
  TextWork,
  TextWorkFailure,
  TextWorkSink,
} from '../../text-engine.ts'
import { ChoiceRun } from './choice-run.ts'
import { planAnswer } from './choice-wishes.ts'
import { Decoder } from './decoder.ts'
import { Embedder } from './embedder.ts'
import { blocksOf } from './kv-budget.ts'
import { type LoadedModel, loadModel } from './load-model.ts'
import { PromptWriter } from './prompt.ts'
import { type AskLimits, readRequest } from './read-request.ts'
import { RequestRefused, wrong } from './refusal.ts'
import { retryAfterMs } from './schedule.ts'
import { TokenBytes } from './token-text.ts'
import { callSyntaxOf } from './tool-calls.ts'
import { Work } from './work.ts'

export interface LlamaOptions {
  /** Seeds of requests that name none. */
  readonly random?: Random
  /** Memory that may still be taken; the operating system's word by default. */
  readonly availableBytes?: () => number
  /** Requests that may wait for a sequence. */
  readonly maxWaiting?: number
}

/** Enough for a burst; each holds its tokens, and who comes later had better ask another replica. */
const MAX_WAITING = 256

/** llama.cpp: one GGUF file, many requests in one context. See docs/local-llm.md. */
export function llamaEngine(clock: Clock, options: LlamaOptions = {}): TextEngine {
  return new LlamaEngine(clock, options)
}

interface Running {
  readonly loaded: LoadedModel
  readonly prompts: PromptWriter
  readonly bytes: TokenBytes
  readonly limits: AskLimits
  readonly decoder: Decoder | undefined
  readonly embedder: Embedder | undefined
}

class LlamaEngine implements TextEngine {
  readonly name = 'llama'
  readonly #clock: Clock
  readonly #random: Random
  readonly #availableBytes: () => number
  readonly #maxWaiting: number
  readonly #works = new Set<Work>()
  #running: Running | undefined
  /** Of late, a request from its start to its end. */
  #usualMs = 1000

  constructor(clock: Clock, options: LlamaOptions) {
    this.#clock = clock
    this.#random = options.random ?? seededRandom(clock.nowMs())
    this.#availableBytes = options.availableBytes ?? (() => process.availableMemory())
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING
  }

  async load(wanted: TextLoadRequest): Promise<void> {
    const loaded = await loadModel(wanted, this.#availableBytes())
    const { settings, model, metadata } = loaded
    const prompts = this.#promptsOf(wanted, loaded)
    const nowMs = () => this.#clock.monotonicMs()
    this.#running = {
      loaded,
      prompts,
      bytes: new TokenBytes(model),
      limits: {
        adapters: new Set(loaded.adapters.keys()),
        callSyntax: callSyntaxOf(metadata.chatTemplate),
      },
      decoder: settings.embeddings ? undefined : new Decoder(loaded, nowMs),
      embedder: settings.embeddings ? new Embedder(loaded, prompts, nowMs) : undefined,
    }
  }

  #promptsOf({ model, label }: TextLoadRequest, loaded: LoadedModel): PromptWriter {
    try {
      return new PromptWriter(loaded.llama.binding, loaded.model, loaded.metadata.chatTemplate)
    } catch (error) {
      void loaded.dispose()
      const reason = `its chat template cannot be read: ${error instanceof Error ? error.message : String(error)}`
      throw new SlipwayError('contract_broken', { model, version: label, reason }, { cause: error })
    }
  }

  async warmUp(): Promise<void> {
    const { decoder } = this.#loaded()
    const ask = decoder === undefined ? WARM_EMBED : WARM_GENERATE
    await new Promise<void>((resolve, reject) => {
      this.start(
        {
          work: ask,
          stream: false,
          requestId: 'warm-up',
          priority: 0,
          deadlineAtMs: Number.POSITIVE_INFINITY,
        },
        {
          event: () => {},
          answer: () => {},
          settled: ({ failure }) => (failure === undefined ? resolve() : reject(new Error(failure.detail))),
        },
      )
    })
    decoder?.forget()
  }

  start(asked: TextWork, sink: TextWorkSink): TextRun {
    const work = new Work(asked, this.#watched(sink), this.#clock, () => this.#running?.decoder?.look())
    this.#works.add(work)
    const behind = this.#countBehind()
    setImmediate(() => {
      work.begin()
      if (work.isOver) return
      try {
        // Counting needs no sequence.
        if (asked.work.kind !== 'count-tokens' && behind > this.#maxWaiting) throw this.#overloaded()
        this.#begin(this.#loaded(), work)
      } catch (error) {
        work.fail(failureOf(error))
      }
    })
    return work
  }

  get gauges(): TextEngineGauges {
    const waiting = this.#countWaiting()
    const { decoder, loaded } = this.#running ?? {}
    const shape = decoder?.shape
    return {
      running: this.#works.size - waiting,
      waiting,
      kvBlocksTotal:
        shape === undefined ? 0 : blocksOf(shape.sequenceTokens, shape) * (loaded?.plan.sequences ?? 0),
      kvBlocksUsed: decoder?.usedBlocks ?? 0,
      ...(decoder?.counts ?? {
        inputTokens: this.#embeddedTokens,
        reusedTokens: 0,
        outputTokens: 0,
        draftedTokens: 0,
        acceptedTokens: 0,
      }),
    }
  }

  describe(): TextEngineInfo {
    const { loaded } = this.#loaded()
    return {
      runtime: loaded.llama.runtime,
      contextTokens: loaded.plan.contextTokens,
      sequences: loaded.plan.sequences,
      weightsBytes: loaded.plan.weightsBytes,
      kvBytes: loaded.plan.kvBytes,
      embeddings: loaded.settings.embeddings,
    }
  }

  async unload(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    this.#running = undefined
    for (const work of this.#works) work.cancel()
    await running.decoder?.stop()
    await running.embedder?.stop()
    await running.loaded.dispose()
  }

  #begin(running: Running, work: Work): void {
    const { limits, prompts, decoder, embedder } = running
    const { work: asked } = work.asked
    if (asked.kind === 'embed') {
      if (embedder === undefined) throw wrong(NO_VECTORS)
      embedder.enqueue({ work, ...embedder.read(asked.request) })
      return
    }
    const ask = readRequest(asked.request, limits)
    if (asked.kind === 'count-tokens') {
      work.done({ inputTokens: prompts.tokensOf(ask).length })
      return
    }
    if (decoder === undefined) throw wrong(ONLY_VECTORS)
    const firstSeed = ask.sampling.seed ?? Math.floor(this.#random() * 2 ** 32)
    const { opening, wishes } = planAnswer(running, ask, work.asked.requestId, firstSeed)
    work.opening = opening
    const proposals = running.loaded.settings.speculation?.maxTokens ?? 0
    decoder.enqueue(wishes.map((wish) => new ChoiceRun(work, wish, running.loaded.model, proposals)))
  }

  #watched(sink: TextWorkSink): TextWorkSink {
    const startMs = this.#clock.monotonicMs()
    return {
      event: (event) => sink.event(event),
      answer: (answer) => sink.answer(answer),
      settled: (outcome) => {
        for (const work of this.#works) if (work.isOver) this.#works.delete(work)
        if (outcome.failure === undefined) {
          this.#usualMs = 0.9 * this.#usualMs + 0.1 * (this.#clock.monotonicMs() - startMs)
          if (this.#running?.embedder !== undefined) this.#embeddedTokens += outcome.usage.input ?? 0
        }
        sink.settled(outcome)
      },
    }
  }

  #embeddedTokens = 0

  #countWaiting(): number {
    let waiting = 0
    for (const work of this.#works) if (!work.hasStarted) waiting++
    return waiting
  }

  /** Requests that no sequence is free for. */
  #countBehind(): number {
    const waiting = this.#countWaiting()
    const sequences = this.#running?.loaded.plan.sequences ?? 0
    return waiting - Math.max(0, sequences - (this.#works.size - waiting))
  }

  #overloaded(): RequestRefused {
    const sequences = this.#running?.loaded.plan.sequences ?? 1
    return new RequestRefused({
      code: 'overloaded',
      detail: `${this.#maxWaiting} requests wait for a sequence already.`,
      retrySafe: true,
      retryAfterMs: retryAfterMs(this.#usualMs, sequences),
    })
  }

  #loaded(): Running {
    if (this.#running === undefined) throw new Error('the engine is not loaded')
    return this.#running
  }
}

const NO_VECTORS = 'This version answers with texts; vectors come from a version with llama.embeddings.'
const ONLY_VECTORS = 'This version has llama.embeddings: it answers with vectors only.'

const WARM_GENERATE = {
  kind: 'generate',
  request: {
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
    maxOutputTokens: 2,
  } as GenerateRequest,
} as const
const WARM_EMBED = { kind: 'embed', request: { inputs: ['Hello'] } as EmbedRequest } as const

function failureOf(error: unknown): TextWorkFailure {
  if (error instanceof RequestRefused) return error.failure
  return {
    code: 'model_failed',
    detail: error instanceof Error ? error.message : String(error),
    retrySafe: true,
  }
}
