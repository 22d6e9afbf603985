import type { GenerateEvent } from '../../contracts/index.ts'

/** OpenAI's words for our codes, of those that a response can fail with. */
const CODES: Readonly<Record<string, string>> = {
  content_filtered: 'content_filter',
  context_too_long: 'context_length_exceeded',
  limit_reached: 'rate_limit_exceeded',
  rate_limited: 'rate_limit_exceeded',
  upstream_overloaded: 'overloaded',
  upstream_rate_limited: 'rate_limit_exceeded',
}

/** `error` of a response, and the fields of an `error` event. What OpenAI has no word for is told by ours. */
export function failureOf({ code, detail }: Extract<GenerateEvent, { type: 'failed' }>): {
  code: string
  message: string
} {
  return { code: CODES[code] ?? code, message: detail }
}
