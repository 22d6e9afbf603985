import type { Choice, GenerateAnswer, Part } from '../../contracts/index.ts'
import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import { readProblem } from './errors.ts'
import { readFinish } from './finish.ts'
import { readUsage } from './usage.ts'

/** An answer of `/v2/chat`, which tells neither a time nor its model. Throws `UpstreamBroken`. */
export function readAnswer(body: unknown): GenerateAnswer {
  const problem = readProblem(body)
  if (problem !== undefined) throw new UpstreamBroken(problem)
  const answer = objectOf(body)
  const message = objectOf(answer?.message)
  if (answer === undefined || message === undefined) throw broken('its answer has no message')
  const raw = textOf(answer.finish_reason)
  const choice: Choice = {
    index: 0,
    content: [...readContent(message), ...listOf(message.tool_calls).map(readCall)],
    finishReason: raw === undefined ? 'other' : readFinish(raw, ''),
    ...(raw === undefined ? {} : { rawFinishReason: raw }),
  }
  return {
    id: textOf(answer.id) ?? '',
    createdAt: 0,
    choices: [choice],
    usage: readUsage(answer.usage),
  }
}

/** Thinking and texts in a row are one part each, as in a stream; citations are the last text's. */
function readContent(message: JsonObject): Part[] {
  const parts: Part[] = []
  think(parts, message.tool_plan)
  for (const block of listOf(message.content).map(objectOf)) {
    think(parts, block?.thinking)
    const text = textOf(block?.text)
    if (text === undefined) continue
    const last = parts.at(-1)
    if (last?.type === 'text') last.text += text
    else parts.push({ type: 'text', text })
  }
  const citations = listOf(message.citations)
  if (citations.length === 0) return parts
  const last = parts.findLast((part) => part.type === 'text')
  if (last !== undefined) last.annotations = [...citations]
  else parts.push({ type: 'text', text: '', annotations: [...citations] })
  return parts
}

function think(parts: Part[], value: unknown): void {
  const text = textOf(value)
  if (text === undefined) return
  const last = parts.at(-1)
  if (last?.type === 'reasoning') last.text += text
  else parts.push({ type: 'reasoning', text })
}

function readCall(value: unknown): Part {
  const call = objectOf(value)
  const asked = objectOf(call?.function)
  const id = textOf(call?.id)
  const name = textOf(asked?.name)
  if (id === undefined || name === undefined) throw broken('a call of its answer has no id or no name')
  return { type: 'tool-call', id, name, arguments: textOf(asked?.arguments) ?? '' }
}

function broken(detail: string): UpstreamBroken {
  return new UpstreamBroken(brokenProblem(detail))
}
