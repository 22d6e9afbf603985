import type { GenerateEvent } from '../../contracts/index.ts'
import { type AnswerContext, type StreamWriter, UpstreamBroken } from '../dialect.ts'
import { brokenProblem } from '../problem.ts'
import type { SseEvent } from '../sse/sse-reader.ts'
import { eventObject, type StreamInterpreter } from '../sse/sse-stream.ts'
import { sseEvent } from '../sse/sse-writer.ts'
import { problemOf } from './errors.ts'

/** One event of the neutral form per server-sent event, named by its type; `ended` or `failed` is the last. */
export class SlipwayStreamWriter implements StreamWriter {
  readonly #context: AnswerContext
  #isOver = false

  constructor(context: AnswerContext) {
    this.#context = context
  }

  write(event: GenerateEvent): string {
    if (this.#isOver) return ''
    this.#isOver = event.type === 'ended' || event.type === 'failed'
    return sseEvent(JSON.stringify(this.#told(event)), event.type)
  }

  #told(event: GenerateEvent): object {
    const { model, requestId, version } = this.#context
    if (event.type === 'failed') return { requestId, ...event }
    if (event.type !== 'started') return event
    const id = event.id === '' ? requestId : event.id
    return { ...event, id, model, ...(version === undefined ? {} : { version }) }
  }
}

type Parse = (event: unknown) => { success: true; data: GenerateEvent } | { success: false }

/** Types that come later than this reader are not looked at; what it knows must be of the form. */
export class SlipwayInterpreter implements StreamInterpreter {
  readonly #parse: Parse

  constructor(parse: Parse) {
    this.#parse = parse
  }

  event({ data }: SseEvent, emit: (event: GenerateEvent) => void): boolean {
    const told = eventObject(data)
    const read = this.#parse(told)
    if (!read.success) {
      if (typeof told.type === 'string' && !KNOWN.has(told.type)) return false
      throw new UpstreamBroken(brokenProblem('an event of its stream is not of the form'))
    }
    const event = read.data
    if (event.type === 'ended') return true
    if (event.type === 'failed') throw new UpstreamBroken(problemOf({ ...event }, event.status))
    emit(event)
    return false
  }
}

const KNOWN: ReadonlySet<string> = new Set<GenerateEvent['type']>([
  'annotation',
  'ended',
  'failed',
  'finished',
  'reasoning',
  'refusal',
  'started',
  'text',
  'tool-call-arguments',
  'tool-call-started',
  'usage',
])
