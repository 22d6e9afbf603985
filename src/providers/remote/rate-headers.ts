export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Pairs of header names: what is left, and when it is full again. */
export type RateHeaders = readonly (readonly [remaining: string, reset: string])[]

const NUMBER = /^\d+(\.\d+)?$/

/** OpenAI, "Rate limits in headers"; Groq, Azure and xAI send the same names. Resets are durations: `6m0s`, `60ms`. */
export const OPENAI_RATES: RateHeaders = [
  ['x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
  ['x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
]
/** Anthropic, "Rate limits: response headers". Resets are RFC 3339 times. */
export const ANTHROPIC_RATES: RateHeaders = ['requests', 'tokens', 'input-tokens', 'output-tokens'].map(
  (what) => [`anthropic-ratelimit-${what}-remaining`, `anthropic-ratelimit-${what}-reset`],
)
/** Together (seconds) and OpenRouter (epoch ms). */
export const PLAIN_RATES: RateHeaders = [['x-ratelimit-remaining', 'x-ratelimit-reset']]

/**
 * How long the answer asks us to stay away, ms; null where it does not say: `retry-after-ms` (Azure, OpenAI), then
 * `retry-after` in seconds or as a date (RFC 9110, 10.2.3).
 */
export function retryAfterOf(headers: AnswerHeaders, nowMs: number): number | null {
  const exact = first(headers['retry-after-ms'])?.trim() ?? ''
  if (NUMBER.test(exact)) return Number(exact)
  const after = first(headers['retry-after'])?.trim()
  if (after === undefined || after === '') return null
  return NUMBER.test(after) ? Number(after) * 1000 : untilDate(after, nowMs)
}

/** How long until what is used up is there again, ms; null while nothing is used up or nobody says. */
export function usedUpFor(headers: AnswerHeaders, names: RateHeaders, nowMs: number): number | null {
  let longestMs: number | null = null
  for (const [remaining, reset] of names) {
    const left = first(headers[remaining])
    if (left === undefined || left.trim() === '' || !(Number(left) <= 0)) continue
    const resetMs = resetIn(first(headers[reset]) ?? '', nowMs)
    if (resetMs !== null) longestMs = Math.max(longestMs ?? 0, resetMs)
  }
  return longestMs
}

/** What an answer says is left of its account's limits. */
export interface Headroom {
  /** `requests`, `tokens`, `input-tokens`; empty where the provider has one limit only. */
  readonly what: string
  readonly remaining: number
  readonly limit: number | null
}

/** Empty where nobody says. */
export function headroomOf(headers: AnswerHeaders, names: RateHeaders): Headroom[] {
  const found: Headroom[] = []
  for (const [remaining] of names) {
    const left = first(headers[remaining])?.trim() ?? ''
    if (!NUMBER.test(left)) continue
    const isAnthropic = remaining.endsWith('-remaining')
    const most = first(
      headers[isAnthropic ? `${remaining.slice(0, -10)}-limit` : remaining.replace('-remaining', '-limit')],
    )?.trim()
    found.push({
      what: remaining.replace(/^.*?ratelimit-?|-?remaining-?/g, ''),
      remaining: Number(left),
      limit: most !== undefined && NUMBER.test(most) ? Number(most) : null,
    })
  }
  return found
}

const UNIT_MS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000001,
}

/** A Go duration (`2m59.56s`), seconds, epoch seconds or ms, or a date. */
export function resetIn(text: string, nowMs: number): number | null {
  const trimmed = text.trim()
  if (NUMBER.test(trimmed)) {
    const number = Number(trimmed)
    if (number >= 1e12) return Math.max(0, number - nowMs)
    return number >= 1e9 ? Math.max(0, number * 1000 - nowMs) : number * 1000
  }
  if (/^(\d+(\.\d+)?(d|h|ms|m|s|us|µs|ns))+$/.test(trimmed)) {
    let sumMs = 0
    for (const [, amount, , unit] of trimmed.matchAll(/(\d+(\.\d+)?)(ms|us|µs|ns|d|h|m|s)/g))
      sumMs += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0)
    return sumMs
  }
  return untilDate(trimmed, nowMs)
}

/** Only what looks like one: `Date.parse` takes nearly anything. */
function untilDate(text: string, nowMs: number): number | null {
  const atMs = /^([A-Z][a-z]{2}|\d{4}-)/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs)
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
