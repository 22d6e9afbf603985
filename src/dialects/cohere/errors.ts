import { type JsonObject, type ProblemClass, UpstreamBroken, type UpstreamProblem } from '../dialect.ts'
import { parsedBody, plainProblem, problemOf } from '../json/error-body.ts'
import { objectOf, textOf } from '../json/tolerant.ts'
import { brokenProblem, classOfStatus } from '../problem.ts'

/** docs.cohere.com/reference/errors: a status and a `message`; there are no codes. */
const CLASSES: Readonly<Record<number, ProblemClass>> = {
  498: 'content-filter', // "blocked input or output"
}

/** Told apart by their words only. */
const WORDS: readonly (readonly [statuses: readonly number[], RegExp, ProblemClass])[] = [
  [
    [400, 413, 422],
    /too many tokens|context (length|window|limit)|maximum (context|number of tokens)/i,
    'context-length',
  ],
  [[429], /\bmonth(ly)?\b|billing|upgrade your plan/i, 'quota'],
]

export function readError(status: number, body: Buffer): UpstreamProblem {
  return readProblem(parsedBody(body), status) ?? plainProblem(status, body)
}

/** `{"message": "…"}`, where an answer has an object of that name. Undefined where it is none. */
export function readProblem(value: unknown, status = 500): UpstreamProblem | undefined {
  const words = textOf(objectOf(value)?.message)
  if (words === undefined) return undefined
  const byWords = WORDS.find(([statuses, pattern]) => statuses.includes(status) && pattern.test(words))
  return problemOf(byWords?.[2] ?? CLASSES[status] ?? classOfStatus(status), status, words, undefined)
}

/** The body of an answer that is no chat. Throws `UpstreamBroken` for what is none, and for an error inside a 200. */
export function cohereBody(body: unknown): JsonObject {
  const problem = readProblem(body, 200)
  if (problem !== undefined) throw new UpstreamBroken(problem)
  const answer = objectOf(body)
  if (answer === undefined) throw new UpstreamBroken(brokenProblem('its answer is not a JSON object'))
  return answer
}
