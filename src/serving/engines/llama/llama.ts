import type { EmbedRequest, GenerateEvent, GenerateRequest } from '../../../contracts/index.ts'
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
import { AnswerWriter } from './answer-writer.ts'
import { ChoiceRun, type ChoiceWish } from './choice-run.ts'
import { Decoder } from './decoder.ts'
import { Embedder } from './embedder.ts'
import { blocksOf } from './kv-budget.ts'
import { type LoadedModel, loadModel } from './load-model.ts'
import { PromptWriter } from './prompt.ts'
import { type Ask, type AskLimits, readRequest } from './read-request.ts'
import { invalid, RequestRefused } from './refusal.ts'
import { samplerConfigOf } from './sampler-config.ts'
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
    const waiting = this.#countWaiting()
    setImmediate(() => {
      work.begin()
      if (work.isOver) return
      try {
        if (waiting > this.#maxWaiting) throw this.#overloaded()
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

  #begin({ loaded, limits, prompts, decoder, embedder, bytes }: Running, work: Work): void {
    const { work: asked } = work.asked
    if (asked.kind === 'embed') {
      if (embedder === undefined) throw invalid('inputs', NO_VECTORS)
      embedder.enqueue({ work, ...embedder.read(asked.request) })
      return
    }
    const ask = readRequest(asked.request, limits)
    if (asked.kind === 'count-tokens') {
      work.done({ inputTokens: prompts.tokensOf(ask).length })
      return
    }
    if (decoder === undefined) throw invalid('messages', ONLY_VECTORS)
    const { tokens, droppedMessages, maxOutputTokens } = this.#fitted(loaded, prompts, ask)
    work.opening = openingOf(work, ask, droppedMessages)
    const grammar = ask.grammar === undefined ? undefined : compiled(loaded, ask.grammar)
    const firstSeed = ask.sampling.seed ?? Math.floor(this.#random() * 2 ** 32)
    const wishes = Array.from({ length: ask.choices }, (_, index): ChoiceWish => {
      const config = samplerConfigOf(ask.sampling, tokens, firstSeed + index, loaded.vocabularySize)
      return {
        index,
        input: tokens,
        maxOutputTokens,
        adapter: ask.adapter,
        topLogprobs: ask.topLogprobs,
        writer: new AnswerWriter(
          index,
          bytes,
          ask.stop,
          ask.calls,
          () => `call_${work.asked.requestId}_${index}_${++this.#calls}`,
        ),
        openSampler: () => {
          const sampler = new loaded.llama.binding.AddonSampler(loaded.model)
          const state =
            grammar === undefined
              ? {}
              : {
                  grammarEvaluationState: new loaded.llama.binding.AddonGrammarEvaluationState(
                    loaded.model,
                    grammar,
                  ),
                }
          sampler.applyConfig({ ...config, ...state })
          return sampler
        },
      }
    })
    const proposals = loaded.settings.speculation?.maxTokens ?? 0
    decoder.enqueue(wishes.map((wish) => new ChoiceRun(work, wish, loaded.model, proposals)))
  }

  #calls = 0

  /** The question as it will be read, and what is left for the answer. */
  #fitted(
    { plan, settings }: LoadedModel,
    prompts: PromptWriter,
    ask: Ask,
  ): { tokens: readonly number[]; droppedMessages: number; maxOutputTokens: number } {
    const wantedOutput = ask.sampling.maxOutputTokens
    const room = plan.contextTokens - (wantedOutput ?? 1)
    const fitted =
      settings.contextShift === 'drop-oldest'
        ? prompts.fitted(ask, room)
        : { tokens: prompts.tokensOf(ask), droppedMessages: 0 }
    if (fitted !== undefined && fitted.tokens.length <= room && fitted.tokens.length > 0)
      return { ...fitted, maxOutputTokens: wantedOutput ?? plan.contextTokens - fitted.tokens.length }
    const question = fitted?.tokens.length ?? prompts.tokensOf(ask).length
    if (question === 0) throw invalid('messages', 'There is nothing to answer: the messages have no text.')
    throw new RequestRefused({
      code: 'context_too_long',
      detail: `The question has ${question} tokens and the answer may have ${wantedOutput ?? 'one or more'}; a sequence holds ${plan.contextTokens}.`,
      field: question >= plan.contextTokens ? 'messages' : 'maxOutputTokens',
      retrySafe: false,
    })
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

function openingOf(work: Work, ask: Ask, droppedMessages: number): GenerateEvent[] {
  const started: GenerateEvent = { type: 'started', id: work.asked.requestId }
  if (droppedMessages === 0) return [started]
  const annotation = { kind: 'context-shift', droppedMessages }
  return [
    started,
    ...Array.from(
      { length: ask.choices },
      (_, choice): GenerateEvent => ({ type: 'annotation', choice, annotation }),
    ),
  ]
}

function compiled({ llama }: LoadedModel, grammar: string): object {
  try {
    return new llama.binding.AddonGrammar(grammar)
  } catch (error) {
    throw invalid(
      'output',
      `llama.cpp cannot hold an answer to this schema: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function failureOf(error: unknown): TextWorkFailure {
  if (error instanceof RequestRefused) return error.failure
  return {
    code: 'model_failed',
    detail: error instanceof Error ? error.message : String(error),
    retrySafe: true,
  }
}
