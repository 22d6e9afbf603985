import { type Estimate, tInterval, wilson } from '../../stats/index.ts'
import { members, parsed } from './json.ts'
import { askRaw } from './raw-answer.ts'
import type { RecordedRequest } from './records.ts'
import type { ServiceTarget } from './service-target.ts'

/** What a target said of one request that was asked for one token of answer. */
export interface TokenCount {
  /** Of the prompt, from the usage; null: it gave none. */
  readonly tokens: number | null
  /** Refused, and the refusal speaks of the context. */
  readonly isOverflow: boolean
  readonly failure: string | null
}

export interface CountedRequest {
  readonly characters: number
  readonly outputTokens: number
  readonly before: TokenCount
  readonly after: TokenCount
}

export interface TokenSummary {
  readonly asked: number
  /** Requests that both counted. */
  readonly counted: number
  /** Geometric mean of after over before, a request; null: fewer than two counted. */
  readonly ratio: Estimate | null
  readonly meanBefore: number | null
  readonly meanAfter: number | null
  readonly overflowBefore: Share
  readonly overflowAfter: Share
  /** Long prompts that were counted far below their length: the target may cut them without a word. */
  readonly truncatedBefore: number
  readonly truncatedAfter: number
}

export interface Share extends Estimate {
  readonly count: number
  /** Requests of which it is known; those without any answer are left out. */
  readonly of: number
}

/** Asks both targets each request in turn, for one token of answer, so that the prompt is all that it costs. */
export async function countTokens(
  [before, after]: readonly [ServiceTarget, ServiceTarget],
  records: readonly RecordedRequest[],
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<CountedRequest[]> {
  const counted: CountedRequest[] = []
  for (const record of records)
    counted.push({
      characters: record.prompt.length,
      outputTokens: record.outputTokens,
      before: await countOne(before, record, options),
      after: await countOne(after, record, options),
    })
  return counted
}

async function countOne(
  target: ServiceTarget,
  { body }: RecordedRequest,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<TokenCount> {
  const { stream: _, stream_options: __, max_tokens: ___, max_completion_tokens: ____, ...asked } = body
  const limit = body.max_completion_tokens === undefined ? { max_tokens: 1 } : { max_completion_tokens: 1 }
  const answer = await askRaw(target, { ...asked, ...limit }, timeoutMs, signal)
  if (answer.status >= 200 && answer.status <= 299) {
    const usage = members(members(parsed(answer.body))?.usage)
    const tokens = usage?.prompt_tokens
    return typeof tokens === 'number' && tokens > 0
      ? { tokens, isOverflow: false, failure: null }
      : { tokens: null, isOverflow: false, failure: 'its answer has no usage.prompt_tokens' }
  }
  const isRefusal = answer.status === 400 || answer.status === 413 || answer.status === 422
  const isOverflow = isRefusal && OVERFLOW.test(answer.body)
  return {
    tokens: null,
    isOverflow,
    failure: answer.status === 0 ? answer.body : `status ${answer.status}`,
  }
}

/** `windows`: tokens that a request may use, prompt and answer, where they are known. Pure. */
export function summariseTokens(
  requests: readonly CountedRequest[],
  windows: { before: number | null; after: number | null },
): TokenSummary {
  const both = requests.flatMap(({ before, after }) =>
    before.tokens === null || after.tokens === null ? [] : [[before.tokens, after.tokens] as const],
  )
  const logs = both.map(([old, now]) => Math.log(now / old))
  const mean = (side: 0 | 1) =>
    both.length === 0 ? null : both.reduce((sum, pair) => sum + pair[side], 0) / both.length
  return {
    asked: requests.length,
    counted: both.length,
    ratio: logs.length < 2 ? null : exponential(tInterval(logs)),
    meanBefore: mean(0),
    meanAfter: mean(1),
    overflowBefore: overflow(requests, 'before', windows.before),
    overflowAfter: overflow(requests, 'after', windows.after),
    truncatedBefore: truncated(requests, 'before'),
    truncatedAfter: truncated(requests, 'after'),
  }
}

function exponential({ estimate, lower, upper }: Estimate): Estimate {
  return { estimate: Math.exp(estimate), lower: Math.exp(lower), upper: Math.exp(upper) }
}

function overflow(
  requests: readonly CountedRequest[],
  side: 'before' | 'after',
  window: number | null,
): Share {
  const known = requests.filter((one) => one[side].isOverflow || one[side].tokens !== null)
  const count = known.filter(({ outputTokens, [side]: { tokens, isOverflow } }) => {
    return isOverflow || (window !== null && tokens !== null && tokens + outputTokens > window)
  }).length
  if (known.length === 0) return { count: 0, of: 0, estimate: 0, lower: 0, upper: 1 }
  const { estimate, lower, upper } = wilson(count, known.length)
  return { count, of: known.length, estimate, lower, upper }
}

/** Below half the tokens a character that the target's own shorter half of prompts has. */
function truncated(requests: readonly CountedRequest[], side: 'before' | 'after'): number {
  const counted = requests
    .flatMap(({ characters, [side]: { tokens } }) => (tokens === null ? [] : [{ characters, tokens }]))
    .toSorted((one, other) => one.characters - other.characters)
  const half = Math.ceil(counted.length / 2)
  const densities = counted
    .slice(0, half)
    .map(({ characters, tokens }) => tokens / characters)
    .toSorted((one, other) => one - other)
  const usual = densities[Math.floor(densities.length / 2)]
  if (usual === undefined) return 0
  return counted.slice(half).filter(({ characters, tokens }) => tokens / characters < usual / 2).length
}

/** OpenAI: context_length_exceeded; vLLM: "maximum context length"; llama.cpp: exceed_context_size_error; ours alike. */
const OVERFLOW = /context[ _-]?(length|size|window)|maximum context|too many tokens|prompt is too long/i
