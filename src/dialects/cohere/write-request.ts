import type { GenerateRequest, ReasoningWish } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'
import { extrasAmong, put, putNamed, refuseKeys } from '../json/fields.ts'
import { writeMessages } from './write-messages.ts'

/** Fields of a request that have no neutral form, and may come as extras. */
const EXTRAS: readonly string[] = ['documents', 'citation_options', 'safety_mode', 'priority']

const LACKS = [
  'minP',
  'repetitionPenalty',
  'logitBias',
  'logprobs',
  'serviceTier',
  'user',
  'metadata',
] as const satisfies (keyof GenerateRequest)[]

const NAMES = {
  maxOutputTokens: 'max_tokens',
  temperature: 'temperature',
  topP: 'p',
  topK: 'k',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  seed: 'seed',
  stop: 'stop_sequences',
} as const

/** A request of `POST /v2/chat`. docs.cohere.com/reference/chat. Throws `UnsupportedFeature`. */
export function writeRequest(request: GenerateRequest, modelName: string): JsonObject {
  refuseKeys(request, LACKS, 'cohere')
  if (request.parallelToolCalls === false) throw unsupported('parallelToolCalls')
  if (request.choices !== undefined && request.choices !== 1) throw unsupported('choices')
  const body: JsonObject = {
    ...extrasAmong(request.extras, EXTRAS, 'cohere'),
    model: modelName,
    messages: writeMessages(request.messages),
  }
  put(body, 'stream', request.stream)
  writeTools(request, body)
  put(body, 'response_format', writeFormat(request.output))
  putNamed(body, request, NAMES)
  put(body, 'thinking', writeThinking(request.reasoning))
  return body
}

/** The model chooses by itself where nothing is said; it cannot be held to one tool. Strictness is that of all tools. */
function writeTools({ toolChoice, tools }: GenerateRequest, body: JsonObject): void {
  if (typeof toolChoice === 'object') throw unsupported('toolChoice')
  if (toolChoice !== undefined && toolChoice !== 'auto') body.tool_choice = toolChoice.toUpperCase()
  if (tools === undefined) return
  body.tools = tools.map(({ cache, description, name, parameters }, index) => {
    if (cache !== undefined) throw unsupported(`tools.${index}.cache`)
    const asked: JsonObject = { name }
    put(asked, 'description', description)
    put(asked, 'parameters', parameters)
    return { type: 'function', function: asked }
  })
  const strict = tools.findIndex((tool) => tool.strict === true)
  if (strict < 0) return
  if (!tools.every((tool) => tool.strict === true)) throw unsupported(`tools.${strict}.strict`)
  body.strict_tools = true
}

/** A schema always holds there; its name is for people. */
function writeFormat(output: GenerateRequest['output']): JsonObject | undefined {
  if (output === undefined) return undefined
  if (output.format === 'text') return { type: 'text' }
  if (output.format === 'json') return { type: 'json_object' }
  const { description, schema } = output
  return {
    type: 'json_object',
    json_schema: description === undefined ? schema : { description, ...schema },
  }
}

/** Thinking is on, off, or bounded, and shown as it is. */
function writeThinking(wish: ReasoningWish | undefined): JsonObject | undefined {
  if (wish === undefined) return undefined
  const { budgetTokens, effort, summary } = wish
  if (summary !== undefined && summary !== 'auto') throw unsupported('reasoning.summary')
  if (effort !== undefined && effort !== 'none') throw unsupported('reasoning.effort')
  if (effort === 'none' || budgetTokens === 0) return { type: 'disabled' }
  return budgetTokens === undefined ? undefined : { type: 'enabled', token_budget: budgetTokens }
}

function unsupported(feature: string): UnsupportedFeature {
  return new UnsupportedFeature(feature, 'cohere')
}
