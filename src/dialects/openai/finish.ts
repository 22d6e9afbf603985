import type { FinishReason } from '../../contracts/index.ts'
import { textOf } from '../json/tolerant.ts'

/** Words of chat completions and of the servers that speak it. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  max_tokens: 'length',
  model_length: 'length',
  tool_calls: 'tool-calls',
  tool_use: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
  safety: 'content-filter',
}

const STANDARD: ReadonlySet<string> = new Set(['stop', 'length', 'tool_calls', 'content_filter'])

export interface ReadFinish {
  readonly reason: FinishReason
  readonly raw?: string
}

/** Some servers say `stop` where they called a tool; clients wait for a call that way. */
export function readFinish(word: unknown, hasCalls: boolean): ReadFinish {
  const said = textOf(word)
  if (said === undefined) return { reason: hasCalls ? 'tool-calls' : 'other' }
  const reason = REASONS[said] ?? 'other'
  if (hasCalls && reason === 'stop') return { reason: 'tool-calls', raw: said }
  return STANDARD.has(said) ? { reason } : { reason, raw: said }
}

export function writeFinish(reason: FinishReason): string {
  switch (reason) {
    case 'length':
      return 'length'
    case 'tool-calls':
      return 'tool_calls'
    case 'content-filter':
    case 'refusal':
      return 'content_filter'
    default:
      return 'stop'
  }
}
