import type { Choice, GenerateAnswer } from '../../contracts/index.ts'
import type { AnswerContext, JsonObject } from '../dialect.ts'
import { NESTED, putBack } from '../json/nested-extras.ts'
import { writeFinish } from './finish.ts'
import { writeLogprobs } from './logprobs.ts'
import { writeUsage } from './usage.ts'

/** Whole answer of chat completions. */
export function writeAnswer(answer: GenerateAnswer, context: AnswerContext): JsonObject {
  return answerBody(answer, context, 'chat.completion', 'chatcmpl-', (choice) => writeChoice(choice, context))
}

export function answerBody(
  answer: GenerateAnswer,
  context: AnswerContext,
  object: string,
  prefix: string,
  written: (choice: Choice) => JsonObject,
): JsonObject {
  const usage = writeUsage(answer.usage)
  const body: JsonObject = {
    id: answer.id === '' ? `${prefix}${context.requestId}` : answer.id,
    object,
    created: Math.floor((answer.createdAt > 0 ? answer.createdAt : context.createdAtMs) / 1000),
    model: context.model,
    choices: answer.choices.map(written),
    ...(usage === undefined ? {} : { usage }),
    ...(answer.serviceTier === undefined ? {} : { service_tier: answer.serviceTier }),
    ...(answer.systemFingerprint === undefined ? {} : { system_fingerprint: answer.systemFingerprint }),
  }
  for (const [name, value] of Object.entries(answer.extras ?? {}))
    if (name.startsWith(NESTED)) putBack(body, name, value, 'openai-chat')
    else if (!(name in body)) body[name] = value
  return body
}

function writeChoice(choice: Choice, { usesFunctions }: AnswerContext): JsonObject {
  const message: JsonObject = { role: 'assistant', content: null, refusal: null }
  const calls: { id: string; name: string; arguments: string }[] = []
  const annotations: unknown[] = []
  for (const part of choice.content) {
    if (part.type === 'text') {
      message.content = `${(message.content as string | null) ?? ''}${part.text}`
      annotations.push(...(part.annotations ?? []))
    } else if (part.type === 'reasoning' && part.text !== undefined)
      message.reasoning_content = `${(message.reasoning_content as string | undefined) ?? ''}${part.text}`
    else if (part.type === 'refusal')
      message.refusal = `${(message.refusal as string | null) ?? ''}${part.text}`
    else if (part.type === 'tool-call') calls.push(part)
    else if (part.type === 'audio' && part.source.kind === 'base64')
      message.audio = { data: part.source.data, transcript: part.transcript ?? '' }
  }
  if (annotations.length > 0) message.annotations = annotations
  const [first] = calls
  if (usesFunctions === true && first !== undefined)
    message.function_call = { name: first.name, arguments: first.arguments }
  else if (first !== undefined)
    message.tool_calls = calls.map(({ arguments: words, id, name }) => ({
      id,
      type: 'function',
      function: { name, arguments: words },
    }))
  return {
    index: choice.index,
    message,
    logprobs: writeLogprobs(choice.logprobs),
    finish_reason: finishWord(choice.finishReason, usesFunctions),
    ...(choice.stopText === undefined ? {} : { stop_reason: choice.stopText }),
  }
}

/** Clients that sent `functions` wait for their own word. */
export function finishWord(reason: Choice['finishReason'], usesFunctions: boolean | undefined): string {
  return reason === 'tool-calls' && usesFunctions === true ? 'function_call' : writeFinish(reason)
}
