import type { FinishReason, TokenUsage } from '../../contracts/index.ts'
import type { AnswerContext, JsonObject } from '../dialect.ts'
import { writeUsage } from './usage.ts'

export interface ResponseState {
  readonly id: string
  readonly createdAtMs: number
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed'
  readonly output: readonly JsonObject[]
  readonly usage?: TokenUsage | undefined
  readonly serviceTier?: string | undefined
  readonly incompleteReason?: string | undefined
  readonly error?: JsonObject | undefined
}

/**
 * A response as the API gives it, with every field that official clients declare. What the client asked for is not at
 * hand when an answer is written, and echoed by the values that stand for "not said".
 */
export function responseObject(state: ResponseState, context: AnswerContext): JsonObject {
  const { createdAtMs, error, id, incompleteReason, output, serviceTier, status, usage } = state
  return {
    id,
    object: 'response',
    created_at: Math.floor(createdAtMs / 1000),
    status,
    error: error ?? null,
    incomplete_details: incompleteReason === undefined ? null : { reason: incompleteReason },
    instructions: null,
    max_output_tokens: null,
    metadata: {},
    model: context.model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: serviceTier ?? null,
    store: false,
    temperature: null,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    truncation: 'disabled',
    usage: usage === undefined ? null : writeUsage(usage),
  }
}

export function responseId(id: string, { requestId }: AnswerContext): string {
  return id === '' ? `resp_${requestId}` : id
}

export interface Ending {
  readonly status: 'completed' | 'incomplete'
  readonly incompleteReason?: string | undefined
}

const CUT: Readonly<Partial<Record<FinishReason, string>>> = {
  length: 'max_output_tokens',
  'content-filter': 'content_filter',
}

/** A refusal that has no part of its own (Anthropic's) is told as a filter: nothing else says that it is one. */
export function endingOf(reason: FinishReason, hasRefusal: boolean): Ending {
  const isFiltered = reason === 'refusal' && !hasRefusal
  const incompleteReason = CUT[isFiltered ? 'content-filter' : reason]
  return incompleteReason === undefined ? { status: 'completed' } : { status: 'incomplete', incompleteReason }
}
