import type { FinishReason } from '../../contracts/index.ts'
import { UpstreamBroken } from '../dialect.ts'
import { problemOf } from '../json/error-body.ts'

const REASONS: Readonly<Record<string, FinishReason>> = {
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  MAX_TOKENS: 'length',
  TOOL_CALL: 'tool-calls',
}

/**
 * docs.cohere.com/reference/chat. Throws `UpstreamBroken` for the two by which an answer says that it went wrong.
 *
 * @param words what the provider says of it, '' for nothing
 */
export function readFinish(raw: string, words: string): FinishReason {
  if (raw === 'ERROR' || raw === 'TIMEOUT') {
    const kind = raw === 'TIMEOUT' ? 'timeout' : 'error'
    throw new UpstreamBroken(
      problemOf(kind, raw === 'TIMEOUT' ? 504 : 500, words || `its answer ended with ${raw}`, raw),
    )
  }
  return Object.hasOwn(REASONS, raw) ? (REASONS[raw] as FinishReason) : 'other'
}
