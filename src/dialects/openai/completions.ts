import type { Choice, GenerateAnswer, GenerateRequest, TokenLogprob } from '../../contracts/index.ts'
import {
  type AnswerContext,
  type JsonObject,
  type ProviderDialect,
  type StreamWriter,
  type SurfaceDialect,
  UnsupportedFeature,
} from '../dialect.ts'
import { ownExtras } from '../foreign-extras.ts'
import { NESTED, nestedName, putBack } from '../json/nested-extras.ts'
import { onePrompt } from '../json/one-prompt.ts'
import { Place } from '../json/place.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { sseStreamReader } from '../sse/sse-stream.ts'
import { type ChatQuirks, chatQuirks } from './chat-quirks.ts'
import { ChatInterpreter, type DeltaReader } from './chat-stream-reader.ts'
import { ChunkWriter } from './chat-stream-writer.ts'
import { fieldOf } from './field-names.ts'
import { readFinish, writeFinish } from './finish.ts'
import { charactersIn, plainGlance } from './glance.ts'
import { answerOf, indexOfChoice } from './read-answer.ts'
import { readError } from './read-error.ts'
import { readSampling } from './read-sampling.ts'
import { answerBody } from './write-answer.ts'
import { writeError } from './write-error.ts'

const DIALECT = 'openai-completions'

/** `POST /v1/completions`: one prompt in, its continuation out. */
export const completionsSurface: SurfaceDialect = {
  name: DIALECT,
  glance: (body) => plainGlance(body, charactersIn(body.prompt) + charactersIn(body.suffix)),
  readRequest,
  fieldOf: (feature) => (feature.startsWith('messages') ? 'prompt' : fieldOf(feature)),
  writeAnswer: (answer: GenerateAnswer, context: AnswerContext) =>
    answerBody(answer, context, 'text_completion', 'cmpl-', writeChoice),
  streamWriter,
  writeError,
}

/** Completions of OpenAI, or of a server with other quirks. A conversation is no prompt: it is one text of the user. */
export function completionsProvider(quirks: ChatQuirks = chatQuirks.openai): ProviderDialect {
  return {
    name: DIALECT,
    writeRequest: (request, modelName) => writeRequest(request, modelName, quirks),
    readAnswer: (body) => answerOf(body, readChoice),
    streamReader: (emit) => sseStreamReader(emit, new ChatInterpreter(readText, quirks.doneIsOptional)),
    readError,
  }
}

const READ: ReadonlySet<string> = new Set([
  'frequency_penalty',
  'logit_bias',
  'logprobs',
  'max_tokens',
  'min_p',
  'model',
  'n',
  'params',
  'presence_penalty',
  'prompt',
  'repetition_penalty',
  'seed',
  'stop',
  'stream',
  'stream_options',
  'temperature',
  'top_k',
  'top_p',
  'user',
])

function readRequest(body: JsonObject): GenerateRequest {
  const root = new Place(body)
  const extras: JsonObject = {}
  for (const [name, value] of Object.entries(body))
    if (!READ.has(name) && value !== null) extras[name] = value
  const request: GenerateRequest = {
    messages: [{ role: 'user', content: [{ type: 'text', text: promptOf(root.at('prompt')) }] }],
  }
  readSampling(root, request)
  const choices = root.at('n').maybe((place) => place.integer(1, 128))
  if (choices !== undefined) request.choices = choices
  const top = root.at('logprobs').maybe((place) => place.integer(0, 20))
  if (top !== undefined) request.logprobs = { top }
  const user = root.at('user').maybe((place) => place.text(256))
  if (user !== undefined) request.user = user
  const isStream = root.at('stream').maybe((place) => place.flag())
  if (isStream !== undefined) request.stream = isStream
  root.at('stream_options').maybe((options) => readStreamOptions(options, request, extras))
  if (Object.keys(extras).length > 0) request.extras = extras
  return request
}

function readStreamOptions(options: Place, request: GenerateRequest, extras: JsonObject): void {
  for (const [name, value] of Object.entries(options.object()))
    if (name !== 'include_usage') extras[nestedName('stream_options', name)] = value
  const asks = options.at('include_usage').maybe((place) => place.flag())
  if (asks !== undefined) request.includeUsage = asks
}

/** Several prompts, and prompts as token ids, pass as bytes to a server of the same dialect and nowhere else. */
function promptOf(place: Place): string {
  const { value } = place
  if (Array.isArray(value) && value.length === 1 && typeof value[0] === 'string') return value[0]
  if (typeof value !== 'string')
    place.fail('must be one text where the version is not asked in the same form')
  return value
}

function writeRequest(request: GenerateRequest, modelName: string, quirks: ChatQuirks): JsonObject {
  const body: JsonObject = { model: modelName, prompt: onePrompt(request, DIALECT) }
  for (const key of Object.keys(request) as (keyof GenerateRequest)[]) {
    const value = request[key]
    if (value === undefined || key === 'messages' || key === 'params' || key === 'extras') continue
    const field = fieldFor(key, quirks)
    if (field === undefined || quirks.lacks.includes(key)) throw new UnsupportedFeature(key, DIALECT)
    if (field !== '') body[field] = value
  }
  if (request.logprobs !== undefined) body.logprobs = request.logprobs.top
  if (request.stream === true && request.includeUsage !== undefined && quirks.hasStreamOptions)
    body.stream_options = { include_usage: request.includeUsage }
  for (const [name, value] of Object.entries(ownExtras(request.extras, 'openai-chat')))
    if (name.startsWith(NESTED)) putBack(body, name, value, DIALECT)
    else body[name] = value
  return body
}

/** '' for what is written apart, undefined for what there is not. */
function fieldFor(key: keyof GenerateRequest, quirks: ChatQuirks): string | undefined {
  switch (key) {
    case 'temperature':
    case 'stop':
    case 'stream':
    case 'user':
      return key
    case 'maxOutputTokens':
      return 'max_tokens'
    case 'seed':
      return quirks.seedField
    case 'topK':
    case 'minP':
    case 'repetitionPenalty':
      return quirks[key]
    case 'logprobs':
    case 'includeUsage':
      return ''
    case 'topP':
    case 'frequencyPenalty':
    case 'presencePenalty':
    case 'logitBias':
    case 'choices':
      return fieldOf(key)
    default:
      return undefined
  }
}

function readChoice(told: JsonObject, place: number): Choice {
  const text = textOf(told.text)
  const { raw, reason } = readFinish(told.finish_reason, false)
  const stopText = textOf(told.stop_reason)
  const logprobs = readLogprobs(told.logprobs)
  return {
    index: indexOfChoice(told, place),
    content: text === undefined ? [] : [{ type: 'text', text }],
    finishReason: reason,
    ...(raw === undefined ? {} : { rawFinishReason: raw }),
    ...(stopText === undefined ? {} : { stopText }),
    ...(logprobs === undefined ? {} : { logprobs }),
  }
}

const readText: DeltaReader = (choice, { index }, emit) => {
  const text = textOf(choice.text) ?? ''
  const logprobs = readLogprobs(choice.logprobs)
  if (text !== '' || logprobs !== undefined)
    emit({ type: 'text', choice: index, text, ...(logprobs === undefined ? {} : { logprobs }) })
}

/** Lists side by side; the first token of an echoed prompt has null for its probability and is left out. */
function readLogprobs(value: unknown): TokenLogprob[] | undefined {
  const { token_logprobs: chances, tokens, top_logprobs: tops } = objectOf(value) ?? {}
  const read = listOf(tokens).flatMap((token, index) => {
    const logprob = listOf(chances)[index]
    if (typeof token !== 'string' || typeof logprob !== 'number') return []
    const top = Object.entries(objectOf(listOf(tops)[index]) ?? {}).flatMap(([other, chance]) =>
      typeof chance === 'number' ? [{ token: other, logprob: chance, bytes: null }] : [],
    )
    return [{ token, logprob, bytes: null, top }]
  })
  return read.length === 0 ? undefined : read
}

function writeLogprobs(logprobs: readonly TokenLogprob[] | undefined): JsonObject | null {
  if (logprobs === undefined) return null
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top = [] }) =>
      Object.fromEntries(top.map(({ logprob, token }) => [token, logprob])),
    ),
  }
}

function writeChoice(choice: Choice): JsonObject {
  const text = choice.content.map((part) => (part.type === 'text' ? part.text : '')).join('')
  return {
    text,
    index: choice.index,
    logprobs: writeLogprobs(choice.logprobs),
    finish_reason: writeFinish(choice.finishReason),
    ...(choice.stopText === undefined ? {} : { stop_reason: choice.stopText }),
  }
}

function streamWriter(context: AnswerContext): StreamWriter {
  return new ChunkWriter(context, 'text_completion', 'cmpl-', (event) => {
    if (event.type === 'text')
      return JSON.stringify({
        text: event.text,
        index: event.choice,
        logprobs: writeLogprobs(event.logprobs),
        finish_reason: null,
      })
    if (event.type !== 'finished') return undefined
    return JSON.stringify({
      text: '',
      index: event.choice,
      logprobs: null,
      finish_reason: writeFinish(event.reason),
      ...(event.stopText === undefined ? {} : { stop_reason: event.stopText }),
    })
  })
}
