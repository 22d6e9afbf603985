import { charactersIn } from '../anthropic/characters.ts'
import type { JsonObject, ProviderDialect, RequestGlance, SurfaceDialect } from '../dialect.ts'
import { readError } from '../openai/read-error.ts'
import { writeError } from '../openai/write-error.ts'
import { sseStreamReader } from '../sse/sse-stream.ts'
import { readAnswer } from './read-answer.ts'
import { readRequest } from './read-request.ts'
import { ResponsesInterpreter } from './stream-interpreter.ts'
import { ResponsesStreamWriter } from './stream-writer.ts'
import { writeAnswer } from './write-answer.ts'
import { writeRequest } from './write-request.ts'

/** OpenAI's Responses API as clients speak it. */
export const responsesSurface: SurfaceDialect = {
  name: 'openai-responses',
  glance,
  readRequest,
  fieldOf,
  writeAnswer,
  streamWriter: (context) => new ResponsesStreamWriter(context),
  writeError,
}

/** OpenAI's Responses API as a provider speaks it. */
export const responsesProvider: ProviderDialect = {
  name: 'openai-responses',
  writeRequest,
  readAnswer,
  streamReader: (emit) => sseStreamReader(emit, new ResponsesInterpreter()),
  readError,
}

function glance(body: JsonObject): RequestGlance {
  const { input, instructions, max_output_tokens: max, model, stream, temperature, text, tools, user } = body
  return {
    model: typeof model === 'string' ? model : undefined,
    stream: stream === true,
    // Its streams always tell it.
    includeUsage: true,
    user: typeof user === 'string' ? user : undefined,
    maxOutputTokens: typeof max === 'number' ? max : undefined,
    promptCharacters:
      charactersIn(instructions) + charactersIn(input) + charactersIn(tools) + charactersIn(text),
    isSampled: temperature !== 0,
  }
}

const FIELDS: Readonly<Record<string, string>> = {
  maxOutputTokens: 'max_output_tokens',
  topP: 'top_p',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'parallel_tool_calls',
  output: 'text.format',
  logprobs: 'top_logprobs',
  reasoning: 'reasoning',
  serviceTier: 'service_tier',
  'extras.verbosity': 'text.verbosity',
}

function fieldOf(feature: string): string {
  if (FIELDS[feature] !== undefined) return FIELDS[feature]
  if (feature.startsWith('extras.')) return feature.slice('extras.'.length)
  const [key, ...place] = feature.split('.')
  // Items are counted as messages of the neutral form, of which there are fewer.
  if (key === 'messages') return ['input', ...place].join('.')
  return FIELDS[key as string] ?? feature
}
