import type { FinishReason } from '../../contracts/index.ts'

/** `stopReason` of docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html */
const REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool-calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  guardrail_intervened: 'content-filter',
  content_filtered: 'content-filter',
}

export function readStopReason(raw: string): FinishReason {
  return Object.hasOwn(REASONS, raw) ? (REASONS[raw] as FinishReason) : 'other'
}
