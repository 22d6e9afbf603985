import type { GenerateEvent } from '../../contracts/index.ts'
import { UpstreamBroken } from '../dialect.ts'
import { objectOf, textOf } from '../json/tolerant.ts'
import { readFinish } from '../openai/finish.ts'
import type { SseEvent } from '../sse/sse-reader.ts'
import { eventObject, type StreamInterpreter } from '../sse/sse-stream.ts'
import { readProblem } from './errors.ts'
import { isSpecial, logprobOf, readUsage } from './read-answer.ts'

/** One event for each token of `/generate_stream`; the last one has all of the text, and the details. */
export class TgiInterpreter implements StreamInterpreter {
  #isStarted = false

  event({ data }: SseEvent, emit: (event: GenerateEvent) => void): boolean {
    const event = eventObject(data)
    const problem = readProblem(event)
    if (problem !== undefined) throw new UpstreamBroken(problem)
    if (!this.#isStarted) {
      this.#isStarted = true
      emit({ type: 'started', id: '' })
    }
    const text = isSpecial(event.token) ? undefined : textOf(objectOf(event.token)?.text)
    if (text !== undefined) {
      const logprob = logprobOf(event.token, event.top_tokens)
      emit({ type: 'text', choice: 0, text, ...(logprob === undefined ? {} : { logprobs: [logprob] }) })
    }
    if (typeof event.generated_text !== 'string') return false
    const details = objectOf(event.details) ?? {}
    emit({ type: 'usage', usage: readUsage(details) })
    emit({ type: 'finished', choice: 0, ...readFinish(details.finish_reason, false) })
    return true
  }
}
