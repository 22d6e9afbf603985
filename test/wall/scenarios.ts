import type { Script } from './script.ts'

/**
 * The sixteen scenarios of Failover Bench (github.com/failoverbench/failoverbench, catalogue v0.1), by the ids and
 * titles used there, as scripts of the wall. `first` are the answers to the first requests, `then` to all later ones.
 */
export interface Scenario {
  readonly id: string
  readonly title: string
  readonly first: readonly Script[]
  readonly then: Script
  /** What a correct client shows; `error`: a clear one, and nothing else is right. */
  readonly ideal: 'success' | 'error'
}

const status = (code: number, name: string, headers?: Record<string, string>): Script => ({
  fault: { kind: 'status', status: code, code: name, ...(headers === undefined ? {} : { headers }) },
})
const HEALTHY: Script = {}
const DOWN = status(503, 'overloaded')
/** As far into the fixture's eleven words as forty of sixty tokens are. */
const CUT: Script = { fault: { kind: 'cut', afterEvents: 8 } }

export const scenarios: readonly Scenario[] = [
  row('S01', '429 with Retry-After', [status(429, 'rate_limit_exceeded', { 'retry-after': '2' })], HEALTHY),
  row('S02', '429 without Retry-After, persistent', [], status(429, 'rate_limit_exceeded')),
  row('S03', '500 once, then healthy', [status(500, 'server_error')], HEALTHY),
  row('S04', '503 persistent', [], DOWN),
  row('S05', 'TCP reset before headers', [{ fault: { kind: 'reset' } }], HEALTHY),
  row('S06', 'No response at all', [], { fault: { kind: 'silent' } }),
  row('S07', 'Slow first token', [], { fault: { kind: 'stalls-after-head' } }),
  row('S08', 'Stream cut mid-answer', [], CUT),
  row('S09', 'Stream stalls', [], { fault: { kind: 'stalls', afterEvents: 5 } }),
  row('S10', 'Malformed chunk in the stream', [], { fault: { kind: 'malformed', atEvent: 6 } }),
  row('S11', 'Stream ends without [DONE]', [], { fault: { kind: 'truncated', afterEvents: 14 } }),
  row('S12', 'Context length exceeded', [], status(400, 'context_length_exceeded')),
  row('S13', 'Content-filter rejection', [], status(400, 'content_policy_violation'), 'error'),
  row('S14', 'Fallback target rejects prefill', [], CUT),
  row('S15', 'Primary flaps: down, then healthy', [DOWN, DOWN, DOWN, DOWN, DOWN, DOWN], HEALTHY),
  row('S16', 'Fail-over accounting', [], DOWN),
]

function row(
  id: string,
  title: string,
  first: readonly Script[],
  then: Script,
  ideal: Scenario['ideal'] = 'success',
): Scenario {
  return { id, title, first, then, ideal }
}
