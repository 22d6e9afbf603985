import type { GenerateEvent } from '../../../contracts/index.ts'
import { AnswerWriter } from './answer-writer.ts'
import type { ChoiceWish } from './choice-run.ts'
import type { LoadedModel } from './load-model.ts'
import type { PromptWriter } from './prompt.ts'
import type { Ask } from './read-request.ts'
import { RequestRefused, wrong } from './refusal.ts'
import { samplerConfigOf } from './sampler-config.ts'
import type { TokenBytes } from './token-text.ts'

/** What a request needs to be decoded: one wish for each of its choices, and what is told before anything else. */
export interface AnswerPlan {
  readonly opening: readonly GenerateEvent[]
  readonly wishes: readonly ChoiceWish[]
}

export interface AnswerParts {
  readonly loaded: LoadedModel
  readonly prompts: PromptWriter
  readonly bytes: TokenBytes
}

/** Throws `RequestRefused`. Choices draw with seeds that follow the first one's. */
export function planAnswer(parts: AnswerParts, ask: Ask, requestId: string, firstSeed: number): AnswerPlan {
  const { loaded } = parts
  const { tokens, droppedMessages, maxOutputTokens } = fitted(parts, ask)
  const grammar = ask.grammar === undefined ? undefined : compiled(loaded, ask.grammar)
  const wishes = Array.from({ length: ask.choices }, (_, index): ChoiceWish => {
    const config = samplerConfigOf(ask.sampling, tokens, firstSeed + index, loaded.vocabularySize)
    let calls = 0
    const newCallId = () => `call_${requestId}_${index}_${calls++}`
    return {
      index,
      input: tokens,
      maxOutputTokens,
      adapter: ask.adapter,
      topLogprobs: ask.topLogprobs,
      writer: new AnswerWriter(index, parts.bytes, ask.stop, ask.calls, newCallId),
      openSampler() {
        const { AddonGrammarEvaluationState, AddonSampler } = loaded.llama.binding
        const sampler = new AddonSampler(loaded.model)
        const held =
          grammar === undefined
            ? {}
            : { grammarEvaluationState: new AddonGrammarEvaluationState(loaded.model, grammar) }
        sampler.applyConfig({ ...config, ...held })
        return sampler
      },
    }
  })
  return { opening: openingOf(requestId, ask, droppedMessages), wishes }
}

/** The question as it will be read, and what is left for the answer. */
function fitted(
  { loaded: { plan, settings }, prompts }: AnswerParts,
  ask: Ask,
): { tokens: readonly number[]; droppedMessages: number; maxOutputTokens: number } {
  const wantedOutput = ask.sampling.maxOutputTokens
  const room = plan.contextTokens - (wantedOutput ?? 1)
  const question =
    settings.contextShift === 'drop-oldest'
      ? prompts.fitted(ask, room)
      : { tokens: prompts.tokensOf(ask), droppedMessages: 0 }
  if (question !== undefined && question.tokens.length <= room && question.tokens.length > 0)
    return { ...question, maxOutputTokens: wantedOutput ?? plan.contextTokens - question.tokens.length }
  const length = question?.tokens.length ?? prompts.tokensOf(ask).length
  if (length === 0) throw wrong('There is nothing to answer: the messages have no text.')
  throw new RequestRefused({
    code: 'context_too_long',
    detail: `The question has ${length} tokens and the answer may have ${wantedOutput ?? 'one or more'}; a sequence holds ${plan.contextTokens}.`,
    field: length >= plan.contextTokens ? 'messages' : 'maxOutputTokens',
    retrySafe: false,
  })
}

function openingOf(requestId: string, { choices }: Ask, droppedMessages: number): GenerateEvent[] {
  const started: GenerateEvent = { type: 'started', id: requestId }
  if (droppedMessages === 0) return [started]
  const annotation = { kind: 'context-shift', droppedMessages }
  const told = (_: unknown, choice: number): GenerateEvent => ({ type: 'annotation', choice, annotation })
  return [started, ...Array.from({ length: choices }, told)]
}

function compiled({ llama }: LoadedModel, grammar: string): object {
  try {
    return new llama.binding.AddonGrammar(grammar)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw wrong(`llama.cpp cannot hold an answer to this schema: ${reason}`)
  }
}
