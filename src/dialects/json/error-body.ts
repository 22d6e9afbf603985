import type { ProblemClass, UpstreamProblem } from '../dialect.ts'
import { boundedDetail, classOfStatus } from '../problem.ts'

/** Undefined where the bytes are no JSON: proxies answer with pages, and servers with nothing. */
export function parsedBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

/** A body without the dialect's form of an error: its words where they are for a person, its status where not. */
export function plainProblem(status: number, body: Buffer): UpstreamProblem {
  const words = body.toString('utf8', 0, 2000).trim()
  return problemOf(classOfStatus(status), status, words.startsWith('<') ? '' : words, undefined)
}

/** Never without words. */
export function problemOf(
  kind: ProblemClass,
  status: number,
  words: string,
  code: string | undefined,
): UpstreamProblem {
  const detail = boundedDetail(words) || `it answered ${status}`
  return { class: kind, status, detail, code: code?.slice(0, 100) }
}
