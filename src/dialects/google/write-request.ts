import type { GenerateRequest, Tool } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'
import { extrasAmong, put, putNamed, refuseKeys } from '../json/fields.ts'
import { objectOf } from '../json/tolerant.ts'
import { writeContents } from './write-contents.ts'
import { writeThinking } from './write-thinking.ts'

/** Fields of a request that have no neutral form, and may come as extras; the last two are merged into ours. */
const EXTRAS = ['safetySettings', 'cachedContent', 'labels', 'generationConfig', 'toolConfig'] as const

const LACKS = [
  'minP',
  'repetitionPenalty',
  'logitBias',
  'serviceTier',
  'user',
  'metadata',
] as const satisfies (keyof GenerateRequest)[]

const NAMES = {
  maxOutputTokens: 'maxOutputTokens',
  temperature: 'temperature',
  topP: 'topP',
  topK: 'topK',
  seed: 'seed',
  stop: 'stopSequences',
  frequencyPenalty: 'frequencyPenalty',
  presencePenalty: 'presencePenalty',
  choices: 'candidateCount',
} as const

/**
 * A request of `generateContent` and `streamGenerateContent`; the model and whether it streams are in the address.
 * ai.google.dev/api/generate-content. Throws `UnsupportedFeature`.
 */
export function writeRequest(request: GenerateRequest, modelName: string): JsonObject {
  refuseKeys(request, LACKS, 'gemini')
  if (request.parallelToolCalls === false) throw unsupported('parallelToolCalls')
  const { contents, systemInstruction } = writeContents(request.messages)
  const body: JsonObject = { ...extrasAmong(request.extras, EXTRAS, 'gemini'), contents }
  put(body, 'systemInstruction', systemInstruction)
  if (request.tools !== undefined && request.tools.length > 0)
    body.tools = [{ functionDeclarations: request.tools.map(writeTool) }]
  const choice = writeToolChoice(request.toolChoice)
  if (choice !== undefined) body.toolConfig = { ...objectOf(body.toolConfig), functionCallingConfig: choice }
  const config = writeConfig(request, modelName)
  if (Object.keys(config).length > 0)
    body.generationConfig = { ...objectOf(body.generationConfig), ...config }
  return body
}

function writeTool({ cache, description, name, parameters, strict }: Tool, index: number): JsonObject {
  if (cache !== undefined) throw unsupported(`tools.${index}.cache`)
  if (strict === true) throw unsupported(`tools.${index}.strict`)
  const declared: JsonObject = { name }
  put(declared, 'description', description)
  put(declared, 'parametersJsonSchema', parameters)
  return declared
}

function writeToolChoice(choice: GenerateRequest['toolChoice']): JsonObject | undefined {
  if (choice === undefined) return undefined
  if (typeof choice === 'object') return { mode: 'ANY', allowedFunctionNames: [choice.name] }
  return { mode: { auto: 'AUTO', none: 'NONE', required: 'ANY' }[choice] }
}

function writeConfig(request: GenerateRequest, modelName: string): JsonObject {
  const config: JsonObject = {}
  putNamed(config, request, NAMES)
  if (request.logprobs !== undefined) {
    config.responseLogprobs = true
    if (request.logprobs.top > 0) config.logprobs = request.logprobs.top
  }
  writeFormat(request.output, config)
  put(config, 'thinkingConfig', writeThinking(request.reasoning, modelName))
  return config
}

/** A schema always holds there; its name is for people. */
function writeFormat(output: GenerateRequest['output'], config: JsonObject): void {
  if (output === undefined) return
  config.responseMimeType = output.format === 'text' ? 'text/plain' : 'application/json'
  if (output.format !== 'schema') return
  const { description, schema } = output
  config.responseJsonSchema = description === undefined ? schema : { description, ...schema }
}

function unsupported(feature: string): UnsupportedFeature {
  return new UnsupportedFeature(feature, 'gemini')
}
