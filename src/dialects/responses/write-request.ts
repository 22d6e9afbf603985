import type { GenerateRequest, OutputFormat, ReasoningWish } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'
import { markOf, ownExtras } from '../foreign-extras.ts'
import { writeInput } from './write-input.ts'

const WITHOUT: readonly (keyof GenerateRequest)[] = [
  'topK',
  'minP',
  'frequencyPenalty',
  'presencePenalty',
  'repetitionPenalty',
  'seed',
  'stop',
  'logitBias',
]

/** `POST /v1/responses`. Throws `UnsupportedFeature`. */
export function writeRequest(request: GenerateRequest, modelName: string): JsonObject {
  for (const feature of WITHOUT)
    if (request[feature] !== undefined) throw new UnsupportedFeature(feature, 'openai-responses')
  if ((request.choices ?? 1) > 1) throw new UnsupportedFeature('choices', 'openai-responses')
  const { choice, extras, hosted } = split(ownExtras(request.extras, 'openai-responses'))
  const { include, reasoning, stream_options: streamOptions, text, verbosity, ...others } = extras
  const { input, instructions } = writeInput(request.messages)
  return {
    ...others,
    model: modelName,
    ...(instructions === undefined ? {} : { instructions }),
    input,
    ...writeTools(request, hosted, choice),
    ...writeText(request.output, verbosity, text),
    ...writeReasoning(request.reasoning, reasoning),
    ...writeSampling(request, include),
    ...(request.user === undefined ? {} : { user: request.user }),
    ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
    ...(request.serviceTier === undefined ? {} : { service_tier: request.serviceTier }),
    ...(request.stream === undefined ? {} : { stream: request.stream }),
    ...(request.stream === true && streamOptions !== undefined ? { stream_options: streamOptions } : {}),
  }
}

/** Markers of items have told what they had to tell; hosted tools go back among the others. */
function split(all: JsonObject): { extras: JsonObject; hosted: unknown[]; choice: unknown } {
  const extras: JsonObject = {}
  const hosted: unknown[] = []
  let choice: unknown
  for (const [name, value] of Object.entries(all)) {
    if (markOf(name, 'tools') !== undefined) hosted.push(...(Array.isArray(value) ? value : [value]))
    else if (markOf(name, 'tool_choice') !== undefined) choice = value
    else if (markOf(name, 'input') === undefined) extras[name] = value
  }
  return { extras, hosted, choice }
}

/** Functions are strict here unless they say otherwise, and nowhere else. */
function writeTools(
  { parallelToolCalls, toolChoice, tools = [] }: GenerateRequest,
  hosted: unknown[],
  choice: unknown,
): JsonObject {
  const cached = tools.findIndex(({ cache }) => cache !== undefined)
  if (cached >= 0) throw new UnsupportedFeature(`tools.${cached}.cache`, 'openai-responses')
  const written = [
    ...tools.map(({ description, name, parameters, strict }) => ({
      type: 'function',
      name,
      ...(description === undefined ? {} : { description }),
      parameters: parameters ?? { type: 'object', properties: {} },
      strict: strict ?? false,
    })),
    ...hosted,
  ]
  const chosen = typeof toolChoice === 'object' ? { type: 'function', name: toolChoice.name } : toolChoice
  const asked = chosen ?? choice
  return {
    ...(written.length === 0 ? {} : { tools: written }),
    ...(asked === undefined ? {} : { tool_choice: asked }),
    ...(parallelToolCalls === undefined ? {} : { parallel_tool_calls: parallelToolCalls }),
  }
}

function writeText(output: OutputFormat | undefined, verbosity: unknown, others: unknown): JsonObject {
  const text: JsonObject = {
    ...(others as JsonObject | undefined),
    ...(verbosity === undefined ? {} : { verbosity }),
    ...(output === undefined ? {} : { format: writeFormat(output) }),
  }
  return Object.keys(text).length === 0 ? {} : { text }
}

/** The name is required here, and says nothing. */
const SCHEMA_NAME = 'answer'

function writeFormat(output: OutputFormat): JsonObject {
  if (output.format === 'text') return { type: 'text' }
  if (output.format === 'json') return { type: 'json_object' }
  const { description, name, schema, strict } = output
  return {
    type: 'json_schema',
    name: name ?? SCHEMA_NAME,
    schema,
    ...(description === undefined ? {} : { description }),
    ...(strict === undefined ? {} : { strict }),
  }
}

function writeReasoning(wish: ReasoningWish | undefined, others: unknown): JsonObject {
  if (wish?.budgetTokens !== undefined)
    throw new UnsupportedFeature(
      'reasoning.budgetTokens',
      'openai-responses',
      'openai-responses has no budget of thinking, but an effort',
    )
  const reasoning: JsonObject = {
    ...(others as JsonObject | undefined),
    ...(wish?.effort === undefined ? {} : { effort: wish.effort }),
    // Nothing is shown unless it is asked for.
    ...(wish?.summary === undefined || wish.summary === 'none' ? {} : { summary: wish.summary }),
  }
  return Object.keys(reasoning).length === 0 ? {} : { reasoning }
}

function writeSampling(request: GenerateRequest, included: unknown): JsonObject {
  const { logprobs, maxOutputTokens, temperature, topP } = request
  const others = Array.isArray(included) ? included : []
  const include = logprobs === undefined ? others : [...others, 'message.output_text.logprobs']
  return {
    ...(maxOutputTokens === undefined ? {} : { max_output_tokens: maxOutputTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(logprobs === undefined ? {} : { top_logprobs: logprobs.top }),
    ...(include.length === 0 ? {} : { include }),
  }
}
