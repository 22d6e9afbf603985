import {
  type GenerateRequest,
  generateAnswer,
  generateEvent,
  generateRequest,
} from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { charactersIn } from '../anthropic/characters.ts'
import {
  type AnswerContext,
  type JsonObject,
  type ProviderDialect,
  type RequestGlance,
  type SurfaceDialect,
  UpstreamBroken,
} from '../dialect.ts'
import { brokenProblem } from '../problem.ts'
import { sseStreamReader } from '../sse/sse-stream.ts'
import { readError, refuseError, writeError } from './errors.ts'
import { withoutShorthands } from './shorthands.ts'
import { SlipwayInterpreter, SlipwayStreamWriter } from './stream.ts'

/** `POST /api/v1/models/{model}/generate`: the neutral form itself, with shorthands. */
export const slipwaySurface: SurfaceDialect = {
  name: 'slipway',
  glance,
  readRequest,
  fieldOf: (feature) => feature,
  writeAnswer: (answer, context) => ({
    ...answer,
    id: answer.id === '' ? context.requestId : answer.id,
    ...placeOf(context),
  }),
  streamWriter: (context) => new SlipwayStreamWriter(context),
  writeError,
}

/** Another Slipway as a provider: its path names the model, and which of its versions answers is its own matter. */
export const slipwayProvider: ProviderDialect = {
  name: 'slipway',
  writeRequest(request: GenerateRequest) {
    const { params: _, ...asked } = request
    return asked
  },
  readAnswer(body) {
    refuseError(body)
    const read = generateAnswer.safeParse(body)
    if (!read.success) throw new UpstreamBroken(brokenProblem('its answer is not of the form'))
    return read.data
  },
  streamReader: (emit) =>
    sseStreamReader(emit, new SlipwayInterpreter((event) => generateEvent.safeParse(event))),
  readError,
}

/** Which model and version answered; headers say it too. */
export function placeOf({ model, version }: AnswerContext): JsonObject {
  return { model, ...(version === undefined ? {} : { version }) }
}

/** Throws `invalid_request` with the pointer into the body as it came. */
function readRequest(body: JsonObject): GenerateRequest {
  const read = generateRequest.safeParse(withoutShorthands(body))
  if (read.success) return read.data
  const [issue] = read.error.issues
  const path = issue?.path ?? []
  const pointer = path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  const name = pointer === '' ? 'The body' : pointer.slice(1).replaceAll('/', '.')
  const reason = `${name}: ${issue?.message ?? 'is not of the form'}`.slice(0, 500)
  throw new SlipwayError('invalid_request', { reason }, { pointer })
}

function glance(body: JsonObject): RequestGlance {
  const { maxOutputTokens, messages, model, output, prompt, seed, stream, temperature, tools, user } = body
  return {
    model: typeof model === 'string' ? model : undefined,
    stream: stream === true,
    // The native stream always tells it.
    includeUsage: true,
    user: typeof user === 'string' ? user : undefined,
    maxOutputTokens: typeof maxOutputTokens === 'number' ? maxOutputTokens : undefined,
    promptCharacters: [prompt, messages, tools, output].reduce<number>(
      (sum, one) => sum + charactersIn(one),
      0,
    ),
    isSampled: temperature !== 0 && seed === undefined,
  }
}
