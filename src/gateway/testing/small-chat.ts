import type { GenerateAnswer, GenerateEvent, GenerateRequest } from '../../contracts/index.ts'
import type { JsonObject, StreamWriter, SurfaceDialect } from '../../dialects/index.ts'
import { SlipwayError } from '../../kernel/index.ts'

/**
 * As little of chat completions as a gateway's own behaviour needs to be seen by: texts, `max_tokens`, `seed`, and
 * everything else as extras. What the real dialect promises is tested with the dialect.
 */
export const smallChat: SurfaceDialect = {
  name: 'openai-chat',
  glance: ({ max_tokens: maxTokens, messages, model, stream, stream_options: options, user }) => ({
    model: typeof model === 'string' ? model : undefined,
    stream: stream === true,
    includeUsage: (options as JsonObject | undefined)?.include_usage === true,
    user: typeof user === 'string' ? user : undefined,
    maxOutputTokens: typeof maxTokens === 'number' ? maxTokens : undefined,
    promptCharacters: JSON.stringify(messages ?? '').length,
    isSampled: true,
  }),
  readRequest,
  fieldOf: (feature) => (feature === 'maxOutputTokens' ? 'max_tokens' : feature.replace(/^extras\./, '')),
  writeAnswer: ({ choices, id, usage }: GenerateAnswer, { model }) => ({
    id,
    model,
    choices: choices.map(({ content, finishReason, index }) => ({
      index,
      message: {
        role: 'assistant',
        content: content.map((part) => ('text' in part ? part.text : '')).join(''),
      },
      finish_reason: finishReason,
    })),
    usage: { prompt_tokens: usage.input, completion_tokens: usage.output },
  }),
  streamWriter: ({ includeUsage }) => new SmallWriter(includeUsage),
  writeError: ({ code, pointer, requestId, title }) => ({
    error: { message: title, type: 'small_error', code, param: pointer ?? null, request_id: requestId },
  }),
}

class SmallWriter implements StreamWriter {
  readonly #includeUsage: boolean

  constructor(includeUsage: boolean) {
    this.#includeUsage = includeUsage
  }

  write(event: GenerateEvent): string {
    switch (event.type) {
      case 'started':
        return data({ choices: [{ index: 0, delta: { role: 'assistant' } }] })
      case 'text':
        return data({ choices: [{ index: event.choice, delta: { content: event.text } }] })
      case 'finished':
        return data({ choices: [{ index: event.choice, delta: {}, finish_reason: event.reason }] })
      case 'usage':
        return this.#includeUsage
          ? data({ choices: [], usage: { completion_tokens: event.usage.output } })
          : ''
      case 'failed':
        return data({ error: { code: event.code, message: event.detail } })
      case 'ended':
        return 'data: [DONE]\n\n'
      default:
        return ''
    }
  }
}

function data(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`
}

function readRequest(body: JsonObject): GenerateRequest {
  const {
    max_tokens: maxOutputTokens,
    messages,
    model: _,
    seed,
    stream,
    stream_options: __,
    user,
    ...extras
  } = body
  if (!Array.isArray(messages) || messages.length === 0)
    throw new SlipwayError('invalid_request', { reason: 'messages is missing.' }, { pointer: '/messages' })
  return {
    messages: messages.map(({ content, role }) => ({
      role,
      content: [{ type: 'text', text: String(content) }],
    })),
    ...(typeof maxOutputTokens === 'number' ? { maxOutputTokens } : {}),
    ...(typeof seed === 'number' ? { seed } : {}),
    ...(typeof user === 'string' ? { user } : {}),
    ...(stream === true ? { stream } : {}),
    ...(Object.keys(extras).length === 0 ? {} : { extras }),
  }
}
