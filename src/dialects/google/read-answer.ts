import type { GenerateAnswer, GenerateEvent } from '../../contracts/index.ts'
import { collect } from '../collect.ts'
import { UpstreamBroken } from '../dialect.ts'
import { listOf, objectOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import { readProblem } from './errors.ts'
import { GoogleInterpreter } from './stream-interpreter.ts'

/** A whole answer is a stream of one chunk. Throws `UpstreamBroken`. */
export function readAnswer(body: unknown): GenerateAnswer {
  const problem = readProblem(body)
  if (problem !== undefined) throw new UpstreamBroken(problem)
  const answer = objectOf(body)
  if (answer === undefined) throw new UpstreamBroken(brokenProblem('its answer is not an object'))
  const events: GenerateEvent[] = []
  const interpreter = new GoogleInterpreter()
  interpreter.chunk(answer, (event) => events.push(event))
  if (listOf(answer.candidates).length === 0)
    throw new UpstreamBroken(brokenProblem('its answer has no candidate'))
  // A whole answer is over, whether it says why or not.
  events.push({ type: 'ended' })
  return collect(events, timeIn(answer.createTime))
}

/** Vertex AI tells it, the Gemini API does not. */
function timeIn(value: unknown): number {
  const atMs = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(atMs) ? 0 : atMs
}
