import type { GenerateRequest } from '../../contracts/index.ts'
import {
  type JsonObject,
  type ProviderDialect,
  type RequestGlance,
  type SurfaceDialect,
  UpstreamBroken,
} from '../dialect.ts'
import { brokenProblem } from '../problem.ts'
import { sseStreamReader } from '../sse/sse-stream.ts'
import { charactersIn } from './characters.ts'
import { readError, writeError } from './errors.ts'
import { readAnswer } from './read-answer.ts'
import { readRequest } from './read-request.ts'
import { AnthropicInterpreter } from './stream-interpreter.ts'
import { AnthropicStreamWriter } from './stream-writer.ts'
import { writeAnswer } from './write-answer.ts'
import { writeRequest } from './write-request.ts'

/** Anthropic's Messages API as clients speak it. */
export const anthropicSurface: SurfaceDialect = {
  name: 'anthropic',
  glance,
  readRequest,
  fieldOf,
  writeAnswer,
  streamWriter: (context) => new AnthropicStreamWriter(context),
  writeError,
}

/** Anthropic's Messages API as a provider speaks it. */
export const anthropicProvider: ProviderDialect = {
  name: 'anthropic',
  writeRequest,
  readAnswer,
  streamReader: (emit) => sseStreamReader(emit, new AnthropicInterpreter()),
  readError,
}

/** `POST /v1/messages/count_tokens`: a request without what only matters to its answer. */
export const anthropicTokenCount = {
  writeRequest(request: GenerateRequest, modelName: string): JsonObject {
    const {
      max_tokens: _,
      metadata: __,
      service_tier: ___,
      stream: ____,
      ...counted
    } = writeRequest(request, modelName)
    for (const name of ['temperature', 'top_p', 'top_k', 'stop_sequences', 'container']) delete counted[name]
    return counted
  },
  /** `{"input_tokens": 14}`. Throws `UpstreamBroken`. */
  readAnswer(body: unknown): { input_tokens: number } {
    const tokens = (body as { input_tokens?: unknown } | null | undefined)?.input_tokens
    if (typeof tokens !== 'number')
      throw new UpstreamBroken(brokenProblem('its answer has no count of tokens'))
    return { input_tokens: tokens }
  },
}

function glance(body: JsonObject): RequestGlance {
  const { max_tokens: max, messages, metadata, model, stream, system, temperature, tools } = body
  const user = (metadata as { user_id?: unknown } | null | undefined)?.user_id
  return {
    model: typeof model === 'string' ? model : undefined,
    stream: stream === true,
    // Its streams always tell it.
    includeUsage: true,
    user: typeof user === 'string' ? user : undefined,
    maxOutputTokens: typeof max === 'number' ? max : undefined,
    promptCharacters: charactersIn(system) + charactersIn(messages) + charactersIn(tools),
    isSampled: temperature !== 0,
  }
}

const FIELDS: Readonly<Record<string, string>> = {
  maxOutputTokens: 'max_tokens',
  topP: 'top_p',
  topK: 'top_k',
  stop: 'stop_sequences',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'tool_choice.disable_parallel_tool_use',
  output: 'output_config.format',
  reasoning: 'thinking',
  serviceTier: 'service_tier',
  user: 'metadata.user_id',
}

function fieldOf(feature: string): string {
  if (feature.startsWith('extras.')) return feature.slice('extras.'.length)
  // A part of a wish (`reasoning.effort`) is told by the field that it is wished in.
  return FIELDS[feature.split('.', 1)[0] as string] ?? feature
}
