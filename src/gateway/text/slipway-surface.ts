import {
  type GenerateAnswer,
  type GenerateEvent,
  generateRequest,
  type Message,
} from '../../contracts/index.ts'
import type {
  AnswerContext,
  JsonObject,
  RequestGlance,
  StreamWriter,
  SurfaceDialect,
  SurfaceError,
} from '../../dialects/index.ts'
import { SlipwayError } from '../../kernel/index.ts'

/**
 * The native surface: the neutral form itself. Answers are `generateAnswer`; a stream is one `generateEvent` per
 * server-sent event, `ended` or `failed` being its last.
 */
export const slipwaySurface: SurfaceDialect = {
  name: 'slipway',
  glance,
  readRequest(body) {
    const read = generateRequest.safeParse(body)
    if (read.success) return read.data
    const issue = read.error.issues[0]
    const path = issue?.path ?? []
    const pointer = path
      .map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`)
      .join('')
    throw new SlipwayError('invalid_request', { reason: reasonOf(issue?.message, path) }, { pointer })
  },
  fieldOf: (feature) => feature,
  writeAnswer: (answer: GenerateAnswer, context: AnswerContext) => ({
    ...answer,
    id: answer.id === '' ? context.requestId : answer.id,
  }),
  streamWriter: () => new SlipwayStreamWriter(),
  writeError: (error: SurfaceError) => ({
    type: `https://slipway.dev/errors#${error.code}`,
    title: error.title,
    status: error.status,
    code: error.code,
    detail: error.title,
    hint: error.hint,
    requestId: error.requestId,
  }),
}

class SlipwayStreamWriter implements StreamWriter {
  #isOver = false

  write(event: GenerateEvent): string {
    if (this.#isOver) return ''
    this.#isOver = event.type === 'ended' || event.type === 'failed'
    return `data: ${JSON.stringify(event)}\n\n`
  }
}

function glance(body: JsonObject): RequestGlance {
  const { maxOutputTokens, messages, seed, stream, temperature, user } = body
  return {
    model: undefined,
    stream: stream === true,
    // The native stream always tells it.
    includeUsage: true,
    user: typeof user === 'string' ? user : undefined,
    maxOutputTokens: typeof maxOutputTokens === 'number' ? maxOutputTokens : undefined,
    promptCharacters: Array.isArray(messages) ? charactersOf(messages as Message[]) : 0,
    isSampled: temperature !== 0 && seed === undefined,
  }
}

/** Of what may still be anything: a glance comes before the form was checked. */
function charactersOf(messages: readonly Partial<Message>[]): number {
  let characters = 0
  for (const message of messages) {
    const content = message?.content
    if (!Array.isArray(content)) continue
    for (const part of content as { text?: unknown; arguments?: unknown }[]) {
      if (typeof part?.text === 'string') characters += part.text.length
      if (typeof part?.arguments === 'string') characters += part.arguments.length
    }
  }
  return characters
}

function reasonOf(message: string | undefined, path: readonly PropertyKey[]): string {
  const where = path.length === 0 ? 'The body' : path.map(String).join('.')
  return `${where}: ${message ?? 'is not as it should be'}`.slice(0, 500)
}
