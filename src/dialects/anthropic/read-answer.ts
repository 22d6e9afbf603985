import type { Choice, GenerateAnswer, Part } from '../../contracts/index.ts'
import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { brokenProblem } from '../problem.ts'
import { readProblem } from './errors.ts'
import { carried, isAnsweredBlock } from './native-blocks.ts'
import { readStopReason } from './stop-reason.ts'
import { readInput } from './tool-input.ts'
import { readUsage } from './usage.ts'

/** Throws `UpstreamBroken`. */
export function readAnswer(body: unknown): GenerateAnswer {
  const problem = readProblem(body)
  if (problem !== undefined) throw new UpstreamBroken(problem)
  const message = objectOf(body, 'its answer is not a message')
  const { content, id, model, stop_details: details, stop_reason: stop, stop_sequence: stopText } = message
  if (!Array.isArray(content)) throw broken('its answer has no content')
  const choice: Choice = {
    index: 0,
    content: content.flatMap((block) => readBlock(objectOf(block, 'a block of its answer is not an object'))),
    finishReason: typeof stop === 'string' ? readStopReason(stop) : 'other',
    ...(typeof stop === 'string' ? { rawFinishReason: stop } : {}),
    ...(typeof stopText === 'string' ? { stopText } : {}),
  }
  const tier = readTier(message.usage)
  return {
    id: typeof id === 'string' ? id : '',
    ...(typeof model === 'string' ? { providerModel: model } : {}),
    // The API tells no time.
    createdAt: 0,
    choices: [choice],
    usage: readUsage(message.usage),
    ...(tier === undefined ? {} : { serviceTier: tier }),
    ...(details === undefined || details === null ? {} : { extras: { stop_details: details } }),
  }
}

function readBlock(block: JsonObject): Part[] {
  switch (block.type) {
    case 'text': {
      const citations =
        Array.isArray(block.citations) && block.citations.length > 0 ? block.citations : undefined
      const text = wordsOf(block.text)
      if (text === '' && citations === undefined) return []
      return [{ type: 'text', text, ...(citations === undefined ? {} : { annotations: citations }) }]
    }
    case 'thinking': {
      const text = wordsOf(block.thinking)
      return [{ type: 'reasoning', ...(text === '' ? {} : { text }), ...signatureOf(block.signature) }]
    }
    case 'redacted_thinking':
      return [{ type: 'reasoning', redacted: wordsOf(block.data) }]
    case 'tool_use':
      return [
        {
          type: 'tool-call',
          id: wordsOf(block.id),
          name: wordsOf(block.name),
          arguments: readInput(block.input),
        },
      ]
    default:
      // What is new to this reader is not taken for something else.
      return isAnsweredBlock(block.type) ? [carried(block)] : []
  }
}

function signatureOf(signature: unknown): { signature?: string } {
  return typeof signature === 'string' && signature !== '' ? { signature } : {}
}

export function readTier(usage: unknown): string | undefined {
  const tier = (usage as { service_tier?: unknown } | null | undefined)?.service_tier
  if (typeof tier !== 'string') return undefined
  return tier === 'standard' ? 'default' : tier
}

function wordsOf(value: unknown): string {
  if (typeof value !== 'string') throw broken('a block of its answer lacks its words')
  return value
}

function objectOf(value: unknown, otherwise: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw broken(otherwise)
  return value as JsonObject
}

function broken(detail: string): UpstreamBroken {
  return new UpstreamBroken(brokenProblem(detail))
}
