import {
  type Choice,
  type GenerateAnswer,
  NO_USAGE,
  type TokenLogprob,
  type TokenUsage,
} from '../../contracts/index.ts'
import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { countOf, listOf, objectOf } from '../json/tolerant.ts'
import { readFinish } from '../openai/finish.ts'
import { brokenProblem } from '../problem.ts'
import { readProblem } from './errors.ts'

/** An answer of `/generate`, which has neither an id nor a time nor a model. Throws `UpstreamBroken`. */
export function readAnswer(body: unknown): GenerateAnswer {
  const problem = readProblem(body)
  if (problem !== undefined) throw new UpstreamBroken(problem)
  const answer = objectOf(body)
  const text = answer?.generated_text
  if (typeof text !== 'string') throw new UpstreamBroken(brokenProblem('its answer has no generated text'))
  const details = objectOf(answer?.details) ?? {}
  const tops = listOf(details.top_tokens)
  const logprobs = listOf(details.tokens).flatMap((token, index) =>
    isSpecial(token) ? [] : (logprobOf(token, tops[index]) ?? []),
  )
  const { raw, reason } = readFinish(details.finish_reason, false)
  const choice: Choice = {
    index: 0,
    content: text === '' ? [] : [{ type: 'text', text }],
    finishReason: reason,
    ...(raw === undefined ? {} : { rawFinishReason: raw }),
    ...(logprobs.length === 0 ? {} : { logprobs }),
  }
  return { id: '', createdAt: 0, choices: [choice], usage: readUsage(details) }
}

/** How long the prompt was is told by the end of a stream, and by a whole answer only where its tokens were asked for. */
export function readUsage(details: JsonObject): TokenUsage {
  const prefill = listOf(details.prefill).length
  return {
    ...NO_USAGE,
    input: countOf(details.input_length) ?? (prefill === 0 ? null : prefill),
    output: countOf(details.generated_tokens),
  }
}

/** Ends and other signs, which are no part of the text. */
export function isSpecial(token: unknown): boolean {
  return objectOf(token)?.special === true
}

/** Undefined where nobody asked: there are no other tokens beside it then. */
export function logprobOf(token: unknown, beside: unknown): TokenLogprob | undefined {
  const read = (value: unknown) => {
    const { logprob, text } = objectOf(value) ?? {}
    if (typeof text !== 'string' || typeof logprob !== 'number') return undefined
    return { token: text, logprob, bytes: null }
  }
  const said = read(token)
  const top = listOf(beside).flatMap((one) => read(one) ?? [])
  return said === undefined || top.length === 0 ? undefined : { ...said, top }
}
