import type { ProblemClass, UpstreamProblem } from '../dialect.ts'
import { parsedBody, plainProblem, problemOf } from '../json/error-body.ts'
import { objectOf, textOf } from '../json/tolerant.ts'
import { classOfStatus } from '../problem.ts'

/** `error_type` with the status that it comes with outside a stream. huggingface.github.io/text-generation-inference */
const TYPES: Readonly<Record<string, readonly [number, ProblemClass]>> = {
  validation: [422, 'invalid'],
  generation: [424, 'error'],
  overloaded: [429, 'overloaded'],
  incomplete_generation: [500, 'error'],
  request_failed: [500, 'error'],
  unhealthy: [503, 'overloaded'],
  healthcheck: [503, 'overloaded'],
}

/** Told as `validation`, and only by their words. */
const CONTEXT = /`?inputs`? (tokens|must have less than)|max_new_tokens` must be <=/i

export function readError(status: number, body: Buffer): UpstreamProblem {
  return readProblem(parsedBody(body), status) ?? plainProblem(status, body)
}

/** `{"error": "…", "error_type": "…"}`. Undefined where it is none. @param status undefined inside a 200. */
export function readProblem(value: unknown, status?: number): UpstreamProblem | undefined {
  const words = textOf(objectOf(value)?.error)
  if (words === undefined) return undefined
  const code = textOf(objectOf(value)?.error_type)
  const known = code !== undefined && Object.hasOwn(TYPES, code) ? TYPES[code] : undefined
  const told = status ?? known?.[0] ?? 500
  const kind = known?.[1] ?? classOfStatus(told)
  return problemOf(kind === 'invalid' && CONTEXT.test(words) ? 'context-length' : kind, told, words, code)
}
