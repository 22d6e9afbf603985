import type { FinishReason } from '../../contracts/index.ts'

/** docs.anthropic.com: "Handling stop reasons". */
const READ: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool-calls',
  pause_turn: 'pause',
  refusal: 'refusal',
}

const WRITTEN: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
  refusal: 'refusal',
  pause: 'pause_turn',
  other: 'end_turn',
}

export function readStopReason(raw: string): FinishReason {
  return Object.hasOwn(READ, raw) ? (READ[raw] as FinishReason) : 'other'
}

export interface Stop {
  readonly reason: FinishReason
  /** The provider's own word: kept where it is one of this dialect's for the same thing. */
  readonly raw?: string | undefined
  readonly stopText?: string | undefined
}

export function writeStop({ raw, reason, stopText }: Stop): {
  stop_reason: string
  stop_sequence: string | null
} {
  const isOurs = raw !== undefined && Object.hasOwn(READ, raw) && READ[raw] === reason
  const word = isOurs ? raw : stopText === undefined ? WRITTEN[reason] : 'stop_sequence'
  return { stop_reason: word, stop_sequence: stopText ?? null }
}
