import { type GenerateRequest, generateRequest, type Tool } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'
import { nestedName } from '../json/nested-extras.ts'
import { Place } from '../json/place.ts'
import { objectOf } from '../json/tolerant.ts'
import { readMessages } from './read-messages.ts'
import { readSampling } from './read-sampling.ts'

/** Fields that are read here; what else a body has is an extra. `params` is ours and read by the gateway. */
const READ: ReadonlySet<string> = new Set([
  'frequency_penalty',
  'function_call',
  'functions',
  'logit_bias',
  'logprobs',
  'max_completion_tokens',
  'max_tokens',
  'messages',
  'metadata',
  'min_p',
  'model',
  'n',
  'parallel_tool_calls',
  'params',
  'presence_penalty',
  'reasoning_effort',
  'repetition_penalty',
  'response_format',
  'seed',
  'service_tier',
  'stop',
  'stream',
  'stream_options',
  'temperature',
  'tool_choice',
  'tools',
  'top_k',
  'top_logprobs',
  'top_p',
  'user',
])

const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh'] as const

/** `POST /v1/chat/completions`; fields as in the declarations of the npm package `openai` 6.49. */
export function readChat(body: JsonObject): GenerateRequest {
  const root = new Place(body)
  const extras: JsonObject = {}
  for (const [name, value] of Object.entries(body))
    if (!READ.has(name) && value !== null) extras[name] = value
  const request: GenerateRequest = { messages: readMessages(root.at('messages'), extras) }
  readTools(root, request, extras)
  readFormat(root.at('response_format'), request, extras)
  readSampling(root, request)
  readLogprobs(root, request)
  readRest(root, request, extras)
  readStream(root, request, extras)
  if (Object.keys(extras).length > 0) request.extras = extras
  return request
}

function readTools(root: Place, request: GenerateRequest, extras: JsonObject): void {
  const tools: Tool[] = []
  for (const [index, place] of (root.at('tools').maybe((all) => all.list(1024)) ?? []).entries()) {
    place.object()
    if (place.at('type').value === 'function') tools.push(readFunction(place.at('function')))
    else extras[nestedName('tools', index)] = place.value
  }
  for (const place of root.at('functions').maybe((all) => all.list(1024)) ?? [])
    tools.push(readFunction(place))
  if (tools.length > 0) request.tools = tools
  readChoice(root.at('tool_choice'), request, extras)
  readLegacyChoice(root.at('function_call'), request)
  const isParallel = root.at('parallel_tool_calls').maybe((place) => place.flag())
  if (isParallel !== undefined) request.parallelToolCalls = isParallel
}

function readFunction(place: Place): Tool {
  place.object()
  const name = place.at('name').text(200)
  if (name === '') place.at('name').fail('must not be empty')
  const description = place.at('description').maybe((one) => one.text())
  const parameters = place.at('parameters').maybe((one) => one.object())
  const strict = place.at('strict').maybe((one) => one.flag())
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(strict === undefined ? {} : { strict }),
  }
}

/** Custom tools and lists of allowed ones are no choice of the neutral form. */
function readChoice(place: Place, request: GenerateRequest, extras: JsonObject): void {
  if (place.isAbsent) return
  if (typeof place.value === 'string') {
    const choice = place.oneOf(['auto', 'none', 'required', 'any'])
    request.toolChoice = choice === 'any' ? 'required' : choice
    return
  }
  place.object()
  if (place.at('type').value === 'function') {
    request.toolChoice = { name: place.at('function').at('name').text(200) }
  } else extras[nestedName('tool_choice')] = place.value
}

function readLegacyChoice(place: Place, request: GenerateRequest): void {
  if (place.isAbsent) return
  if (typeof place.value === 'string') request.toolChoice = place.oneOf(['none', 'auto'])
  else {
    place.object()
    request.toolChoice = { name: place.at('name').text(200) }
  }
}

function readFormat(place: Place, request: GenerateRequest, extras: JsonObject): void {
  if (place.isAbsent) return
  place.object()
  const type = place.at('type').text(100)
  if (type === 'text') request.output = { format: 'text' }
  else if (type === 'json_object') request.output = { format: 'json' }
  else if (type === 'json_schema') {
    const told = place.at('json_schema')
    told.object()
    const name = told.at('name').maybe((one) => one.text(200))
    const description = told.at('description').maybe((one) => one.text())
    const strict = told.at('strict').maybe((one) => one.flag())
    request.output = {
      format: 'schema',
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      schema: told.at('schema').maybe((one) => one.object()) ?? {},
      ...(strict === undefined ? {} : { strict }),
    }
  } else extras[nestedName('response_format')] = place.value
}

function readLogprobs(root: Place, request: GenerateRequest): void {
  const isAsked = root.at('logprobs').maybe((place) => place.flag()) ?? false
  const top = root.at('top_logprobs').maybe((place) => place.integer(0, 20))
  if (isAsked) request.logprobs = { top: top ?? 0 }
  else if (top !== undefined && top > 0) root.at('top_logprobs').fail('needs logprobs to be true')
}

function readRest(root: Place, request: GenerateRequest, extras: JsonObject): void {
  const effort = root.at('reasoning_effort')
  if (!effort.isAbsent) {
    const known = EFFORTS.find((name) => name === effort.text(50))
    // Words that came later than ours are the server's to understand.
    if (known === undefined) extras.reasoning_effort = effort.value
    else request.reasoning = { effort: known }
  }
  const choices = root.at('n').maybe((place) => place.integer(1, 128))
  if (choices !== undefined) request.choices = choices
  const tier = root.at('service_tier').maybe((place) => place.text(50))
  if (tier !== undefined) request.serviceTier = tier
  const user = root.at('user').maybe((place) => place.text(256))
  if (user !== undefined) request.user = user
  const metadata = root.at('metadata')
  if (metadata.isAbsent) return
  const read = generateRequest.shape.metadata.safeParse(metadata.object())
  if (!read.success) metadata.fail('must hold texts only')
  request.metadata = read.data
}

function readStream(root: Place, request: GenerateRequest, extras: JsonObject): void {
  const isStream = root.at('stream').maybe((place) => place.flag())
  if (isStream !== undefined) request.stream = isStream
  const place = root.at('stream_options')
  if (place.isAbsent) return
  place.object()
  const asks = place.at('include_usage').maybe((one) => one.flag())
  if (asks !== undefined) request.includeUsage = asks
  for (const [name, value] of Object.entries(objectOf(place.value) ?? {}))
    if (name !== 'include_usage') extras[nestedName('stream_options', name)] = value
}
