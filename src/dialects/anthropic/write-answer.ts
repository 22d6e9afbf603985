import type { GenerateAnswer, Part } from '../../contracts/index.ts'
import type { AnswerContext, JsonObject } from '../dialect.ts'
import { blocksIn, citationsIn } from './native-blocks.ts'
import { writeStop } from './stop-reason.ts'
import { writeInput } from './tool-input.ts'
import { writeUsage } from './usage.ts'
import { thinkingOf } from './write-messages.ts'

/** A message as the API answers it. Only the first choice: the API has no other. */
export function writeAnswer(answer: GenerateAnswer, context: AnswerContext): JsonObject {
  const choice = answer.choices[0]
  const stop = writeStop({
    reason: choice?.finishReason ?? 'other',
    raw: choice?.rawFinishReason,
    stopText: choice?.stopText,
  })
  return {
    ...emptyMessage(messageId(answer.id, context), context.model),
    content: (choice?.content ?? []).flatMap(writeBlock),
    ...stop,
    stop_details: answer.extras?.stop_details ?? null,
    usage: { ...writeUsage(answer.usage), service_tier: writeTier(answer.serviceTier) },
  }
}

export function emptyMessage(id: string, model: string): JsonObject {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
  }
}

export function messageId(id: string, { requestId }: AnswerContext): string {
  return id === '' ? `msg_${requestId}` : id
}

function writeBlock(part: Part): JsonObject[] {
  switch (part.type) {
    case 'text':
      return writeText(part)
    case 'refusal':
      return [textBlock(part.text)]
    case 'reasoning':
      if (part.redacted !== undefined) return [{ type: 'redacted_thinking', data: part.redacted }]
      return [{ type: 'thinking', thinking: thinkingOf(part), signature: part.signature ?? '' }]
    case 'tool-call':
      return [{ type: 'tool_use', id: part.id, name: part.name, input: writeInput(part.arguments) }]
    case 'audio':
      // There is no sound here; what was said is.
      return part.transcript === undefined ? [] : [textBlock(part.transcript)]
    default:
      return []
  }
}

function writeText({ annotations, text }: Extract<Part, { type: 'text' }>): JsonObject[] {
  const blocks = blocksIn(annotations)
  const citations = citationsIn(annotations)
  if (text === '' && citations.length === 0) return blocks
  return [...blocks, { ...textBlock(text), citations: citations.length === 0 ? null : citations }]
}

export function textBlock(text: string): JsonObject {
  return { type: 'text', text, citations: null }
}

const TIERS: ReadonlySet<string> = new Set(['standard', 'priority', 'batch'])

export function writeTier(tier: string | undefined): string | null {
  if (tier === 'default') return 'standard'
  return tier !== undefined && TIERS.has(tier) ? tier : null
}
