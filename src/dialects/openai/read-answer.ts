import type { Choice, GenerateAnswer, Part } from '../../contracts/index.ts'
import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { nestedName } from '../json/nested-extras.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import { readFinish } from './finish.ts'
import { readLogprobs } from './logprobs.ts'
import { errorInside, refuseError } from './read-error.ts'
import { readCostUsd, readUsage } from './usage.ts'

const READ: ReadonlySet<string> = new Set([
  'choices',
  'created',
  'error',
  'id',
  'model',
  'object',
  'service_tier',
  'system_fingerprint',
  'usage',
])

/** Whole answer of chat completions. Throws `UpstreamBroken`. */
export function readAnswer(body: unknown): GenerateAnswer {
  return answerOf(body, readChoice)
}

/** What chat and legacy completions share. */
export function answerOf(
  body: unknown,
  read: (told: JsonObject, index: number, extras: JsonObject) => Choice,
): GenerateAnswer {
  const told = objectOf(body)
  if (told === undefined) throw new UpstreamBroken(brokenProblem('its answer is not a JSON object'))
  refuseError(told)
  const choices = listOf(told.choices)
  if (choices.length === 0) throw new UpstreamBroken(brokenProblem('its answer has no choices'))
  const extras: JsonObject = {}
  for (const [name, value] of Object.entries(told))
    if (!READ.has(name) && value !== null) extras[name] = value
  const answer: GenerateAnswer = {
    id: textOf(told.id) ?? '',
    createdAt: typeof told.created === 'number' ? Math.round(told.created * 1000) : 0,
    choices: choices.map((choice, index) => {
      const one = objectOf(choice)
      if (one === undefined)
        throw new UpstreamBroken(brokenProblem('a choice of its answer is not an object'))
      refuseChoiceError(one)
      return read(one, index, extras)
    }),
    usage: readUsage(told.usage),
  }
  const model = textOf(told.model)
  if (model !== undefined) answer.providerModel = model
  const fingerprint = textOf(told.system_fingerprint)
  if (fingerprint !== undefined) answer.systemFingerprint = fingerprint
  const tier = textOf(told.service_tier)
  if (tier !== undefined) answer.serviceTier = tier
  const reportedCostUsd = readCostUsd(told.usage)
  if (reportedCostUsd !== null) answer.reportedCostUsd = reportedCostUsd
  if (Object.keys(extras).length > 0) answer.extras = extras
  return answer
}

/** OpenRouter tells the failure of its provider in the choice. */
export function refuseChoiceError(choice: JsonObject): void {
  const problem = errorInside({ error: choice.error })
  if (problem !== undefined) throw new UpstreamBroken(problem)
  if (choice.finish_reason === 'error')
    throw new UpstreamBroken(brokenProblem('it ended with the finish reason "error"'))
}

export function indexOfChoice(choice: JsonObject, place: number): number {
  return Number.isInteger(choice.index) ? (choice.index as number) : place
}

function readChoice(told: JsonObject, place: number, extras: JsonObject): Choice {
  const message = objectOf(told.message)
  if (message === undefined) throw new UpstreamBroken(brokenProblem('a choice of its answer has no message'))
  const content = contentOf(message)
  content.push(...soundOf(message.audio, place, extras), ...callsOf(message, place, extras))
  const { raw, reason } = readFinish(
    told.finish_reason,
    content.some(({ type }) => type === 'tool-call'),
  )
  const stopText = textOf(told.stop_reason)
  const logprobs = readLogprobs(told.logprobs)
  return {
    index: indexOfChoice(told, place),
    content,
    finishReason: reason,
    ...(raw === undefined ? {} : { rawFinishReason: raw }),
    // vLLM tells which text it stopped at.
    ...(stopText === undefined ? {} : { stopText }),
    ...(logprobs === undefined ? {} : { logprobs }),
  }
}

function contentOf(message: JsonObject): Part[] {
  const content: Part[] = []
  const said = wordsOf(message.content)
  const thought = textOf(message.reasoning_content) ?? textOf(message.reasoning) ?? textOf(said.thought)
  if (thought !== undefined) content.push({ type: 'reasoning', text: thought })
  const annotations = listOf(message.annotations)
  if (said.text !== '' || annotations.length > 0)
    content.push({
      type: 'text',
      text: said.text,
      ...(annotations.length === 0 ? {} : { annotations: [...annotations] }),
    })
  const refusal = textOf(message.refusal)
  if (refusal !== undefined) content.push({ type: 'refusal', text: refusal })
  return content
}

/** A text, or Mistral's list of `text` and `thinking` parts. */
export function wordsOf(content: unknown): { text: string; thought: string } {
  if (typeof content === 'string') return { text: content, thought: '' }
  let text = ''
  let thought = ''
  for (const one of listOf(content)) {
    const part = objectOf(one) ?? {}
    if (part.type === 'thinking') thought += wordsOf(part.thinking).text
    else text += textOf(part.text) ?? ''
  }
  return { text, thought }
}

/** The form of the sound is the request's to know; what else is told of it stays by its place. */
function soundOf(value: unknown, place: number, extras: JsonObject): Part[] {
  const sound = objectOf(value)
  const data = textOf(sound?.data)
  if (sound === undefined || data === undefined) return []
  for (const name of ['id', 'expires_at'])
    if (sound[name] !== undefined)
      extras[nestedName('choices', place, 'message', 'audio', name)] = sound[name]
  const transcript = textOf(sound.transcript)
  return [
    {
      type: 'audio',
      source: { kind: 'base64', mediaType: 'application/octet-stream', data },
      ...(transcript === undefined ? {} : { transcript }),
    },
  ]
}

function callsOf(message: JsonObject, place: number, extras: JsonObject): Part[] {
  const calls: Part[] = []
  for (const [index, one] of listOf(message.tool_calls).entries()) {
    const call = objectOf(one) ?? {}
    const asked = objectOf(call.function)
    if (asked === undefined) extras[nestedName('choices', place, 'message', 'tool_calls', index)] = one
    else
      calls.push({
        type: 'tool-call',
        id: textOf(call.id) ?? `call_${place}_${index}`,
        name: textOf(asked.name) ?? '',
        arguments: argumentsOf(asked.arguments),
      })
  }
  const legacy = objectOf(message.function_call)
  if (legacy !== undefined)
    calls.push({
      type: 'tool-call',
      id: `call_${place}_function`,
      name: textOf(legacy.name) ?? '',
      arguments: argumentsOf(legacy.arguments),
    })
  return calls
}

/** Some servers send the object instead of its text. */
export function argumentsOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? '' : JSON.stringify(value)
}
