import { z } from 'zod'
import { generateAnswer, generateRequest } from '../generate.ts'
import { route } from '../route.ts'
import { byModel } from './shared.ts'

/** Bodies of other people's APIs are theirs to describe; what is read here is checked by the code of their dialect. */
const foreignBody = z.looseObject({ model: z.string(), stream: z.boolean().optional() })
const foreignAnswer = z.looseObject({})

const surface = (path: string, summary: string) =>
  ({
    method: 'POST',
    path,
    listener: 'gateway',
    access: 'predict',
    summary,
    body: foreignBody,
    answer: foreignAnswer,
  }) as const

/** Models of text: the native path, and the paths that clients of OpenAI and Anthropic call. */
export const textRoutes = {
  generate: route({
    method: 'POST',
    path: '/api/v1/models/{model}/generate',
    listener: 'gateway',
    access: 'predict',
    summary: 'Generate text; server-sent events where `stream` is true.',
    params: byModel,
    body: generateRequest,
    answer: generateAnswer,
  }),
  chatCompletions: route(surface('/v1/chat/completions', 'OpenAI chat completions.')),
  completions: route(surface('/v1/completions', 'OpenAI completions of a prompt.')),
  responses: route(surface('/v1/responses', 'OpenAI responses.')),
  embeddings: route(surface('/v1/embeddings', 'OpenAI embeddings.')),
  moderations: route(surface('/v1/moderations', 'OpenAI moderations.')),
  rerank: route(surface('/v1/rerank', 'Documents in the order of their use for a question.')),
  messages: route(surface('/v1/messages', 'Anthropic messages.')),
  countTokens: route(surface('/v1/messages/count_tokens', 'Tokens of an Anthropic request.')),
  listTextModels: route({
    method: 'GET',
    path: '/v1/models',
    listener: 'gateway',
    access: 'predict',
    summary: "Models of text, in OpenAI's form, or Anthropic's where anthropic-version is sent.",
    answer: foreignAnswer,
  }),
  getTextModel: route({
    method: 'GET',
    path: '/v1/models/{model}',
    listener: 'gateway',
    access: 'predict',
    summary: 'One model of text, in either form.',
    params: z.object({ model: z.string() }),
    answer: foreignAnswer,
  }),
}
