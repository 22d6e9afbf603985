import type { GenerateRequest, OutputFormat } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'
import { markOf, ownExtras } from '../foreign-extras.ts'
import { cacheControl, writeMessages } from './write-messages.ts'
import { writeThinking } from './write-thinking.ts'

/**
 * `max_tokens` where neither the client nor the version's sampling says one: the API wants a figure. 4096 is the
 * least that any model of the API may put out (Claude 3; docs.anthropic.com, "Models overview"), so that all take it; an
 * answer that it cuts ends with `length`. Thinking counts in, and is added.
 */
export const DEFAULT_MAX_TOKENS = 4096

const WITHOUT: readonly (keyof GenerateRequest)[] = [
  'minP',
  'frequencyPenalty',
  'presencePenalty',
  'repetitionPenalty',
  'seed',
  'logitBias',
  'logprobs',
  'metadata',
]

/** `POST /v1/messages`. Throws `UnsupportedFeature`. */
export function writeRequest(request: GenerateRequest, modelName: string): JsonObject {
  for (const feature of WITHOUT)
    if (request[feature] !== undefined) throw new UnsupportedFeature(feature, 'anthropic')
  if ((request.choices ?? 1) > 1) throw new UnsupportedFeature('choices', 'anthropic')
  const { messages, system } = writeMessages(request.messages)
  const { extras, hosted } = split(ownExtras(request.extras, 'anthropic'))
  const { metadata, output_config: config, thinking, ...others } = extras
  const wish = writeThinking(request.reasoning, modelName)
  const outputConfig = {
    ...(config as JsonObject | undefined),
    ...(wish.effort === undefined ? {} : { effort: wish.effort }),
    ...writeFormat(request.output),
  }
  return {
    ...others,
    model: modelName,
    max_tokens: request.maxOutputTokens ?? DEFAULT_MAX_TOKENS + wish.budgetTokens,
    ...(system === undefined ? {} : { system }),
    messages,
    ...writeTools(request, hosted),
    ...writeSampling(request),
    ...(wish.thinking === undefined
      ? thinking === undefined
        ? {}
        : { thinking }
      : { thinking: wish.thinking }),
    ...(Object.keys(outputConfig).length === 0 ? {} : { output_config: outputConfig }),
    ...writeMetadata(request.user, metadata),
    ...(request.stream === undefined ? {} : { stream: request.stream }),
  }
}

/** Markers of blocks have told what they had to tell; hosted tools go back among the others. */
function split(all: JsonObject): { extras: JsonObject; hosted: unknown[] } {
  const extras: JsonObject = {}
  const hosted: unknown[] = []
  for (const [name, value] of Object.entries(all)) {
    if (markOf(name, 'tools') !== undefined) hosted.push(...(Array.isArray(value) ? value : [value]))
    else if (markOf(name, 'content') === undefined) extras[name] = value
  }
  return { extras, hosted }
}

function writeTools(
  { parallelToolCalls, toolChoice, tools = [] }: GenerateRequest,
  hosted: unknown[],
): JsonObject {
  const written = [
    ...tools.map((tool) => ({
      name: tool.name,
      ...(tool.description === undefined ? {} : { description: tool.description }),
      input_schema: tool.parameters ?? { type: 'object', properties: {} },
      ...(tool.strict === undefined ? {} : { strict: tool.strict }),
      ...cacheControl(tool),
    })),
    ...hosted,
  ]
  const choice = writeChoice(toolChoice, parallelToolCalls, written.length > 0)
  return {
    ...(written.length === 0 ? {} : { tools: written }),
    ...(choice === undefined ? {} : { tool_choice: choice }),
  }
}

function writeChoice(
  choice: GenerateRequest['toolChoice'],
  isParallel: boolean | undefined,
  hasTools: boolean,
): JsonObject | undefined {
  if (choice === 'none') return { type: 'none' }
  const serial = isParallel === undefined ? {} : { disable_parallel_tool_use: !isParallel }
  // Without tools there is no call that could be parallel.
  if (choice === undefined)
    return isParallel === undefined || !hasTools ? undefined : { type: 'auto', ...serial }
  if (choice === 'auto') return { type: 'auto', ...serial }
  if (choice === 'required') return { type: 'any', ...serial }
  return { type: 'tool', name: choice.name, ...serial }
}

function writeSampling({ serviceTier, stop, temperature, topK, topP }: GenerateRequest): JsonObject {
  if (temperature !== undefined && temperature > 1)
    throw new UnsupportedFeature('temperature', 'anthropic', 'anthropic takes temperatures from 0 to 1')
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(topK === undefined ? {} : { top_k: topK }),
    ...(stop === undefined ? {} : { stop_sequences: stop }),
    ...(serviceTier === undefined ? {} : { service_tier: writeTier(serviceTier) }),
  }
}

/** OpenAI's `default` is what Anthropic calls `standard_only`: no paid priority. */
function writeTier(tier: string): string {
  if (tier === 'auto' || tier === 'standard_only') return tier
  if (tier === 'default') return 'standard_only'
  throw new UnsupportedFeature(
    'serviceTier',
    'anthropic',
    `anthropic has no service tier ${JSON.stringify(tier)}`,
  )
}

/** Name, description and strictness of a schema have no place here: the schema always binds, and needs no name. */
function writeFormat(output: OutputFormat | undefined): JsonObject {
  if (output === undefined || output.format === 'text') return {}
  if (output.format === 'json')
    throw new UnsupportedFeature('output', 'anthropic', 'anthropic has no JSON without a schema')
  return { format: { type: 'json_schema', schema: output.schema } }
}

function writeMetadata(user: string | undefined, others: unknown): JsonObject {
  if (user === undefined && others === undefined) return {}
  return {
    metadata: { ...(others as JsonObject | undefined), ...(user === undefined ? {} : { user_id: user }) },
  }
}
