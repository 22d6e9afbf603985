import type { GenerateRequest } from '../../contracts/index.ts'
import { writeThinking } from '../anthropic/write-thinking.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'
import { extrasAmong, put, putNamed, refuseKeys } from '../json/fields.ts'
import { objectOf } from '../json/tolerant.ts'
import { cachePoint, writeMessages } from './write-messages.ts'

/** Fields of a request that have no neutral form, and may come as extras. */
const EXTRAS: readonly string[] = [
  'additionalModelRequestFields',
  'additionalModelResponseFieldPaths',
  'guardrailConfig',
  'performanceConfig',
  'promptVariables',
]

const LACKS = [
  'minP',
  'frequencyPenalty',
  'presencePenalty',
  'repetitionPenalty',
  'seed',
  'logitBias',
  'logprobs',
  'user',
] as const satisfies (keyof GenerateRequest)[]

const NAMES = {
  maxOutputTokens: 'maxTokens',
  temperature: 'temperature',
  topP: 'topP',
  stop: 'stopSequences',
} as const

const TIERS: readonly string[] = ['priority', 'default', 'flex', 'reserved']

/**
 * A request of `Converse` and `ConverseStream`; the model and whether it streams are in the address.
 * docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html. Throws `UnsupportedFeature`.
 */
export function writeRequest(request: GenerateRequest, modelName: string): JsonObject {
  refuseKeys(request, LACKS, 'bedrock-converse')
  if (request.parallelToolCalls === false) throw unsupported('parallelToolCalls')
  if (request.choices !== undefined && request.choices !== 1) throw unsupported('choices')
  const { messages, system } = writeMessages(request.messages)
  const body: JsonObject = { ...extrasAmong(request.extras, EXTRAS, 'bedrock-converse'), messages }
  put(body, 'system', system)
  put(body, 'toolConfig', writeTools(request))
  put(body, 'outputConfig', writeFormat(request.output))
  const config: JsonObject = {}
  putNamed(config, request, NAMES)
  if (Object.keys(config).length > 0) body.inferenceConfig = config
  const ofModel = writeModelFields(request, modelName)
  if (Object.keys(ofModel).length > 0)
    body.additionalModelRequestFields = { ...objectOf(body.additionalModelRequestFields), ...ofModel }
  put(body, 'requestMetadata', request.metadata)
  if (request.serviceTier !== undefined) {
    if (!TIERS.includes(request.serviceTier)) throw unsupported('serviceTier')
    body.serviceTier = { type: request.serviceTier }
  }
  return body
}

function writeTools({ toolChoice, tools }: GenerateRequest): JsonObject | undefined {
  if (toolChoice === 'none') throw unsupported('toolChoice')
  if (tools === undefined || tools.length === 0) {
    if (toolChoice !== undefined && toolChoice !== 'auto') throw unsupported('toolChoice')
    return undefined
  }
  const listed = tools.flatMap(({ cache, description, name, parameters, strict }) => {
    const toolSpec: JsonObject = { name }
    put(toolSpec, 'description', description)
    toolSpec.inputSchema = { json: parameters ?? { type: 'object', properties: {} } }
    put(toolSpec, 'strict', strict)
    return [{ toolSpec }, ...cachePoint(cache)]
  })
  const config: JsonObject = { tools: listed }
  if (typeof toolChoice === 'object') config.toolChoice = { tool: { name: toolChoice.name } }
  else if (toolChoice !== undefined) config.toolChoice = toolChoice === 'auto' ? { auto: {} } : { any: {} }
  return config
}

/** A schema is JSON text there, and always holds. Its user guide: "Get validated JSON results from models". */
function writeFormat(output: GenerateRequest['output']): JsonObject | undefined {
  if (output === undefined || output.format === 'text') return undefined
  if (output.format === 'json') throw unsupported('output')
  const jsonSchema: JsonObject = { schema: JSON.stringify(output.schema) }
  put(jsonSchema, 'name', output.name)
  put(jsonSchema, 'description', output.description)
  return { textFormat: { type: 'json_schema', structure: { jsonSchema } } }
}

/** What only Anthropic's models take here, in the form that they have for it themselves. */
function writeModelFields({ reasoning, topK }: GenerateRequest, modelName: string): JsonObject {
  const isAnthropic = /anthropic\.claude/.test(modelName)
  const fields: JsonObject = {}
  if (topK !== undefined) {
    if (!isAnthropic) throw unsupported('topK')
    fields.top_k = topK
  }
  if (reasoning === undefined) return fields
  if (!isAnthropic) throw unsupported('reasoning')
  const { effort, thinking } = inOurName(() => writeThinking(reasoning, modelName))
  put(fields, 'thinking', thinking)
  if (effort !== undefined) fields.output_config = { effort }
  return fields
}

function inOurName<Value>(write: () => Value): Value {
  try {
    return write()
  } catch (error) {
    if (!(error instanceof UnsupportedFeature)) throw error
    throw new UnsupportedFeature(error.feature, 'bedrock-converse', error.message)
  }
}

function unsupported(feature: string): UnsupportedFeature {
  return new UnsupportedFeature(feature, 'bedrock-converse')
}
