import type { JsonObject, ProblemClass, UpstreamProblem } from '../dialect.ts'
import { UpstreamBroken } from '../dialect.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { boundedDetail, classOfStatus } from '../problem.ts'

/** Codes and types by which servers of this dialect say what went wrong. */
const CLASSES: Readonly<Record<string, ProblemClass>> = {
  context_length_exceeded: 'context-length',
  context_window_exceeded: 'context-length',
  exceed_context_size_error: 'context-length', // llama.cpp
  content_filter: 'content-filter',
  content_policy_violation: 'content-filter',
  content_filtered: 'content-filter',
  ResponsibleAIPolicyViolation: 'content-filter', // Azure, as innererror
  insufficient_quota: 'quota',
  insufficient_balance: 'quota',
  billing_hard_limit_reached: 'quota',
  billing_not_active: 'quota',
  credit_limit: 'quota', // Together
  rate_limit_exceeded: 'rate-limited',
  rate_limit_error: 'rate-limited',
  rate_limit_reached: 'rate-limited',
  rate_limited: 'rate-limited',
  tokens: 'rate-limited',
  requests: 'rate-limited',
  overloaded: 'overloaded', // TGI, as error_type
  overloaded_error: 'overloaded',
  engine_overloaded: 'overloaded',
  engine_overloaded_error: 'overloaded',
  server_overloaded: 'overloaded',
  service_unavailable: 'overloaded',
  service_unavailable_error: 'overloaded',
  slow_down: 'overloaded',
  unavailable_error: 'overloaded', // llama.cpp while it loads
  invalid_api_key: 'auth',
  authentication_error: 'auth',
  permission_error: 'auth',
  account_deactivated: 'auth',
  model_not_found: 'not-found',
  not_found_error: 'not-found',
  NotFoundError: 'not-found', // vLLM
  DeploymentNotFound: 'not-found', // Azure
  timeout: 'timeout',
  request_timeout: 'timeout',
  server_error: 'error',
  internal_error: 'error',
  upstream_failed: 'error',
  upstream_truncated: 'error',
}

/** Servers without a code for it; the words are those of vLLM, SGLang, TGI, Together, Ollama, LM Studio and OpenAI. */
const CONTEXT =
  /maximum context length|context[ _](length|window|size)|prompt is too long|input is too long|too many (input )?tokens|`inputs` tokens \+ `max_new_tokens`|longer than the model's|max_model_len|exceeds? the (maximum|available) (number of )?(context|input|tokens)/i
const QUOTA = /insufficient (balance|credits?|funds|quota)|exceeded your current quota|requires more credits/i
const FILTERED = /content (management|filter|moderation|policy)|flagged (as|for|by)/i
const OVERLOADED =
  /\boverloaded\b|no (available|healthy) (workers?|server|upstream)|model is (currently )?loading/i

/**
 * An error of any server that speaks chat completions: `{error: {…}}`, `{error: 'text', error_type}` (TGI, Ollama),
 * `{object: 'error', message}` (vLLM), `{message, type}` (Mistral), `{detail}` (FastAPI), a list of one (Gemini), or words.
 */
export function readError(status: number, body: Buffer): UpstreamProblem {
  const text = body.toString('utf8', 0, 64 * 1024)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return problem(status, isMarkup(text) ? '' : text, [])
  }
  const told = objectOf(Array.isArray(value) ? value[0] : value)
  return told === undefined ? problem(status, textOf(value) ?? '', []) : problemIn(told, status)
}

/** Where a body or event that came with a 200 tells an error. */
export function errorInside(told: JsonObject): UpstreamProblem | undefined {
  const isError = (told.error !== undefined && told.error !== null) || told.object === 'error'
  return isError ? problemIn(told, 200) : undefined
}

export function refuseError(told: JsonObject): void {
  const found = errorInside(told)
  if (found !== undefined) throw new UpstreamBroken(found)
}

function problemIn(told: JsonObject, status: number): UpstreamProblem {
  const error = objectOf(told.error) ?? told
  const detail =
    textOf(told.error) ?? textOf(error.message) ?? detailOf(error.detail) ?? detailOf(error.errors)
  const raw = textOf(objectOf(error.metadata)?.raw)
  const codes = [
    textOf(objectOf(error.innererror)?.code),
    textOf(error.code),
    textOf(error.type),
    textOf(told.error_type),
  ].filter((code) => code !== undefined)
  const own = Number(error.code ?? error.status)
  const isStatus = Number.isInteger(own) && own >= 400 && own < 600
  // OpenRouter keeps the words of its provider apart; its refusals after moderation have reasons and a 403.
  const words = raw === undefined ? (detail ?? '') : `${detail ?? ''}: ${raw}`
  if (listOf(objectOf(error.metadata)?.reasons).length > 0) codes.unshift('content_filter')
  return problem(status === 200 && isStatus ? own : status, words, codes)
}

function problem(status: number, words: string, codes: readonly string[]): UpstreamProblem {
  const detail = boundedDetail(words)
  return {
    class: classOf(status, words, codes),
    status,
    detail: detail === '' ? `it answered ${status}` : detail,
    code: codes[0]?.slice(0, 100),
  }
}

function classOf(status: number, words: string, codes: readonly string[]): ProblemClass {
  for (const code of codes) {
    const known = CLASSES[code]
    // `invalid_request_error` and the like say nothing that the words do not say better.
    if (known !== undefined && known !== 'error') return known
  }
  if (
    CONTEXT.test(words) &&
    (status === 200 || status === 400 || status === 413 || status === 422 || status === 500)
  )
    return 'context-length'
  if (QUOTA.test(words)) return 'quota'
  if (status < 500 && status !== 401 && status !== 429 && FILTERED.test(words)) return 'content-filter'
  if ((status >= 500 || status === 429 || status === 200) && OVERLOADED.test(words)) return 'overloaded'
  return classOfStatus(status)
}

/** FastAPI: a text, or a list of `{loc, msg}`. */
function detailOf(value: unknown): string | undefined {
  const words = listOf(value).flatMap((one) => {
    const { loc, message, msg } = objectOf(one) ?? {}
    const what = textOf(msg) ?? textOf(message)
    return what === undefined ? [] : [Array.isArray(loc) ? `${loc.join('.')}: ${what}` : what]
  })
  return textOf(value) ?? textOf(words.join('; '))
}

function isMarkup(text: string): boolean {
  return text.trimStart().startsWith('<')
}
