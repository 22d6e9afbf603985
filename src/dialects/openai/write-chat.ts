import type { GenerateRequest, Tool } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'
import { ownExtras } from '../foreign-extras.ts'
import { put } from '../json/fields.ts'
import { NESTED, putBack } from '../json/nested-extras.ts'
import type { ChatQuirks } from './chat-quirks.ts'
import { writeMessages } from './write-messages.ts'

const DIALECT = 'openai-chat'

/** Keys of the request that are written here; a key that comes into the neutral form later is not passed over in silence. */
type Written = Exclude<keyof GenerateRequest, 'params'>

/** A request as the server with these quirks takes it. Throws `UnsupportedFeature`. */
export function writeChat(request: GenerateRequest, modelName: string, quirks: ChatQuirks): JsonObject {
  const body: JsonObject = { model: modelName, messages: writeMessages(request.messages, quirks) }
  for (const lack of quirks.lacks)
    if (!lack.includes('.') && request[lack as Written] !== undefined) throw unsupported(lack)
  writeTools(request, body, quirks)
  writeFormat(request.output, body, quirks)
  writeSampling(request, body, quirks)
  writeReasoning(request.reasoning, body, quirks)
  put(body, 'parallel_tool_calls', request.parallelToolCalls)
  put(body, 'n', request.choices)
  put(body, 'service_tier', request.serviceTier)
  put(body, 'user', request.user)
  put(body, 'metadata', request.metadata)
  if (request.logprobs !== undefined) {
    body.logprobs = true
    if (request.logprobs.top > 0) body.top_logprobs = request.logprobs.top
  }
  put(body, 'stream', request.stream)
  if (request.stream === true && request.includeUsage !== undefined && quirks.hasStreamOptions)
    body.stream_options = { include_usage: request.includeUsage }
  writeExtras(request, body)
  return body
}

function writeTools({ toolChoice, tools }: GenerateRequest, body: JsonObject, quirks: ChatQuirks): void {
  if (tools !== undefined) body.tools = tools.map((tool, index) => written(tool, index, quirks))
  if (toolChoice === undefined) return
  if (typeof toolChoice === 'object')
    body.tool_choice = { type: 'function', function: { name: toolChoice.name } }
  else body.tool_choice = toolChoice === 'required' ? quirks.requiredTool : toolChoice
}

function written(tool: Tool, index: number, quirks: ChatQuirks): JsonObject {
  if (tool.cache !== undefined) throw unsupported(`tools.${index}.cache`)
  if (tool.strict === true && quirks.lacks.includes('tools.strict'))
    throw unsupported(`tools.${index}.strict`)
  const { description, name, parameters, strict } = tool
  const asked: JsonObject = { name }
  put(asked, 'description', description)
  put(asked, 'parameters', parameters)
  if (!quirks.lacks.includes('tools.strict')) put(asked, 'strict', strict)
  return { type: 'function', function: asked }
}

function writeFormat(output: GenerateRequest['output'], body: JsonObject, quirks: ChatQuirks): void {
  if (output === undefined) return
  if (output.format === 'text') body.response_format = { type: 'text' }
  else if (output.format === 'json') body.response_format = { type: 'json_object' }
  else {
    if (quirks.lacks.includes('output.schema')) throw unsupported('output')
    // The name is required there, and nothing depends on it.
    const asked: JsonObject = { name: output.name ?? 'answer' }
    put(asked, 'description', output.description)
    asked.schema = output.schema
    put(asked, 'strict', output.strict)
    body.response_format = { type: 'json_schema', json_schema: asked }
  }
}

function writeSampling(request: GenerateRequest, body: JsonObject, quirks: ChatQuirks): void {
  put(body, quirks.maxTokensField, request.maxOutputTokens)
  put(body, 'temperature', request.temperature)
  put(body, 'top_p', request.topP)
  put(body, 'frequency_penalty', request.frequencyPenalty)
  put(body, 'presence_penalty', request.presencePenalty)
  put(body, quirks.seedField, request.seed)
  put(body, 'stop', request.stop)
  put(body, 'logit_bias', request.logitBias)
  for (const key of ['topK', 'minP', 'repetitionPenalty'] as const) {
    if (request[key] === undefined) continue
    const field = quirks[key]
    if (field === undefined) throw unsupported(key)
    body[field] = request[key]
  }
}

function writeReasoning(wish: GenerateRequest['reasoning'], body: JsonObject, quirks: ChatQuirks): void {
  if (wish === undefined) return
  const { budgetTokens, effort, summary } = wish
  if (quirks.reasoningWish === undefined) throw unsupported('reasoning')
  if (quirks.reasoningWish === 'reasoning_effort') {
    if (budgetTokens !== undefined) throw unsupported('reasoning.budgetTokens')
    if (summary !== undefined) throw unsupported('reasoning.summary')
    put(body, 'reasoning_effort', effort)
    return
  }
  // OpenRouter shows the thinking as it is or not at all.
  if (summary !== undefined && summary !== 'none' && summary !== 'auto')
    throw unsupported('reasoning.summary')
  const asked: JsonObject = {}
  put(asked, 'effort', effort)
  put(asked, 'max_tokens', budgetTokens)
  if (summary !== undefined) asked.exclude = summary === 'none'
  body.reasoning = asked
}

/** Last, since those from inside the body need their places. */
function writeExtras({ extras }: GenerateRequest, body: JsonObject): void {
  const own = ownExtras(extras, DIALECT)
  // The neutral form has no event for sound.
  if (own.audio !== undefined && body.stream === true) throw unsupported('extras.audio')
  for (const [name, value] of Object.entries(own))
    if (name.startsWith(NESTED)) putBack(body, name, value, DIALECT)
    else body[name] = value
}

function unsupported(feature: string): UnsupportedFeature {
  return new UnsupportedFeature(feature, DIALECT)
}
