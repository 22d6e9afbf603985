import type { Choice, FinishReason, GenerateAnswer, Part, TokenLogprob } from '../../contracts/index.ts'
import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { readLogprobs } from '../openai/logprobs.ts'
import { refuseError } from '../openai/read-error.ts'
import { brokenProblem } from '../problem.ts'
import { carried } from './native-items.ts'
import { readReasoning } from './reasoning.ts'
import { readUsage } from './usage.ts'

/** Throws `UpstreamBroken`, also for a response that failed or is not finished. */
export function readAnswer(body: unknown): GenerateAnswer {
  const response = objectOf(body)
  if (response === undefined) throw broken('its answer is not a response')
  refuseError(response)
  if (!Array.isArray(response.output)) throw broken('its answer has no output')
  if (response.status === 'failed') throw broken('it failed without saying why')
  if (!isFinished(response.status))
    throw broken(`its answer is ${String(response.status).slice(0, 50)}, and not finished`)
  const logprobs: TokenLogprob[] = []
  const content = response.output.flatMap((item) => readItem(objectOf(item) ?? {}, logprobs))
  const model = textOf(response.model)
  const tier = textOf(response.service_tier)
  const finish = finishOf(response, new Set(content.map(({ type }) => type)))
  const choice: Choice = {
    index: 0,
    content,
    finishReason: finish.reason,
    ...(finish.raw === undefined ? {} : { rawFinishReason: finish.raw }),
    ...(logprobs.length === 0 ? {} : { logprobs }),
  }
  return {
    id: textOf(response.id) ?? '',
    ...(model === undefined ? {} : { providerModel: model }),
    createdAt: typeof response.created_at === 'number' ? Math.floor(response.created_at) * 1000 : 0,
    choices: [choice],
    usage: readUsage(response.usage),
    ...(tier === undefined ? {} : { serviceTier: tier }),
  }
}

function isFinished(status: unknown): boolean {
  return status === undefined || status === null || status === 'completed' || status === 'incomplete'
}

function readItem(item: JsonObject, logprobs: TokenLogprob[]): Part[] {
  switch (item.type) {
    case 'message':
      return listOf(item.content).flatMap((part) => readPart(objectOf(part) ?? {}, logprobs))
    case 'reasoning':
      return [readReasoning(item)]
    case 'function_call': {
      const { arguments: args, call_id: id, name } = item
      if (typeof id !== 'string' || typeof name !== 'string' || typeof args !== 'string')
        throw broken('a call in its answer lacks its id, name or arguments')
      return [{ type: 'tool-call', id, name, arguments: args }]
    }
    default:
      // What is new is kept as it is, for clients that know it.
      return typeof item.type === 'string' ? [carried(item)] : []
  }
}

function readPart(part: JsonObject, logprobs: TokenLogprob[]): Part[] {
  if (part.type === 'refusal') return [{ type: 'refusal', text: wordsOf(part.refusal) }]
  if (part.type !== 'output_text') return []
  const annotations = [...listOf(part.annotations)]
  const text = wordsOf(part.text)
  logprobs.push(...(readLogprobs({ content: part.logprobs }) ?? []))
  if (text === '' && annotations.length === 0) return []
  return [{ type: 'text', text, ...(annotations.length === 0 ? {} : { annotations }) }]
}

export interface Finish {
  readonly reason: FinishReason
  readonly raw?: string
}

/** `incomplete` is an answer, and billed. What it calls is told before how it ended, unless it was cut. */
export function finishOf(response: JsonObject, types: ReadonlySet<Part['type']>): Finish {
  if (response.status === 'incomplete') {
    const reason = textOf(objectOf(response.incomplete_details)?.reason)
    if (reason === 'max_output_tokens') return { reason: 'length' }
    if (reason === 'content_filter') return { reason: 'content-filter' }
    return { reason: 'other', ...(reason === undefined ? {} : { raw: reason }) }
  }
  if (types.has('tool-call')) return { reason: 'tool-calls' }
  return { reason: types.has('refusal') ? 'refusal' : 'stop' }
}

/** The same of items as they came. */
export function finishIn(response: JsonObject, output: readonly unknown[]): Finish {
  const types = new Set<Part['type']>()
  for (const one of output) {
    const item = objectOf(one)
    if (item?.type === 'function_call') types.add('tool-call')
    if (listOf(item?.content).some((part) => objectOf(part)?.type === 'refusal')) types.add('refusal')
  }
  return finishOf(response, types)
}

function wordsOf(value: unknown): string {
  if (typeof value !== 'string') throw broken('a part of its answer lacks its words')
  return value
}

function broken(detail: string): UpstreamBroken {
  return new UpstreamBroken(brokenProblem(detail))
}
