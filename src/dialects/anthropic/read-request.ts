import {
  type GenerateRequest,
  generateRequest,
  type ReasoningWish,
  type Tool,
} from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'
import { Place } from '../json/place.ts'
import { NativeMarks } from './native-blocks.ts'
import { cacheOf, readMessages, readSystem } from './read-messages.ts'

const READ: ReadonlySet<string> = new Set([
  'max_tokens',
  'messages',
  'metadata',
  'model',
  'output_config',
  'output_format',
  'params',
  'service_tier',
  'stop_sequences',
  'stream',
  'system',
  'temperature',
  'thinking',
  'tool_choice',
  'tools',
  'top_k',
  'top_p',
])

const EFFORTS = ['low', 'medium', 'high', 'xhigh'] as const

/** `POST /v1/messages`; docs.anthropic.com/en/api/messages. */
export function readRequest(body: JsonObject): GenerateRequest {
  const root = new Place(body)
  root.object()
  const marks = new NativeMarks()
  const messages = readMessages(root.at('messages'), marks)
  if (messages.length === 0) root.at('messages').fail('has no message')
  const extras: JsonObject = {}
  for (const [name, value] of Object.entries(body))
    if (!READ.has(name) && value !== null) extras[name] = value
  const maxTokens = root.at('max_tokens')
  if (maxTokens.isAbsent) maxTokens.fail('is required')
  const request: GenerateRequest = {
    messages: [...readSystem(root.at('system')), ...messages],
    maxOutputTokens: maxTokens.integer(1),
  }
  readTools(root, request, extras)
  readSampling(root, request)
  readThinking(root, request, extras)
  readRest(root, request, extras)
  Object.assign(extras, marks.extras)
  if (Object.keys(extras).length > 0) request.extras = extras
  return request
}

function readTools(root: Place, request: GenerateRequest, extras: JsonObject): void {
  const tools: Tool[] = []
  for (const tool of root.at('tools').maybe((place) => place.list(1024)) ?? []) {
    tool.object()
    const type = tool.at('type').maybe((place) => place.text(100)) ?? 'custom'
    const isPlain =
      type === 'custom' &&
      ['allowed_callers', 'defer_loading', 'eager_input_streaming', 'input_examples'].every(
        (name) => tool.at(name).isAbsent,
      )
    if (isPlain) tools.push(readTool(tool))
    else extras[`tools.${type}`] = [...((extras[`tools.${type}`] as unknown[] | undefined) ?? []), tool.value]
  }
  if (tools.length > 0) request.tools = tools
  const choice = root.at('tool_choice')
  if (choice.isAbsent) return
  choice.object()
  const type = choice.at('type').oneOf(['auto', 'any', 'tool', 'none'])
  if (type === 'tool') request.toolChoice = { name: choice.at('name').text(200) }
  else request.toolChoice = type === 'any' ? 'required' : type
  const isSerial = choice.at('disable_parallel_tool_use').maybe((place) => place.flag())
  if (isSerial !== undefined) request.parallelToolCalls = !isSerial
}

function readTool(tool: Place): Tool {
  const description = tool.at('description').maybe((place) => place.text())
  const strict = tool.at('strict').maybe((place) => place.flag())
  const name = tool.at('name').text(200)
  if (name === '') tool.at('name').fail('must not be empty')
  return {
    name,
    parameters: tool.at('input_schema').object(),
    ...(description === undefined ? {} : { description }),
    ...(strict === undefined ? {} : { strict }),
    ...cacheOf(tool),
  }
}

function readSampling(root: Place, request: GenerateRequest): void {
  const temperature = root.at('temperature').maybe((place) => place.number(0, 1))
  const topP = root.at('top_p').maybe((place) => place.number(0, 1))
  const topK = root.at('top_k').maybe((place) => place.integer(0))
  const stop = root.at('stop_sequences').maybe((place) => place.list(16).map((one) => one.text()))
  const empty = stop?.indexOf('') ?? -1
  if (empty >= 0) root.at('stop_sequences').at(empty).fail('must not be empty')
  if (temperature !== undefined) request.temperature = temperature
  if (topP !== undefined) request.topP = topP
  if (topK !== undefined) request.topK = topK
  if (stop !== undefined) request.stop = stop
}

/**
 * `thinking` and the effort that goes with it. An effort without thinking, and one that the neutral form has no word
 * for, stay what they are here.
 */
function readThinking(root: Place, request: GenerateRequest, extras: JsonObject): void {
  const thinking = root.at('thinking')
  const config = root.at('output_config')
  const { effort, format: _, ...others } = config.isAbsent ? {} : config.object()
  const rest: JsonObject = { ...others }
  const type = thinking.maybe((place) => {
    place.object()
    return place.at('type').text(100)
  })
  if (type === 'enabled' || type === 'adaptive' || type === 'disabled') {
    const wish: ReasoningWish = type === 'disabled' ? { effort: 'none' } : {}
    if (type === 'enabled') wish.budgetTokens = thinking.at('budget_tokens').integer(0)
    const display = thinking.at('display').maybe((place) => place.oneOf(['summarized', 'omitted']))
    if (display !== undefined) wish.summary = display === 'omitted' ? 'none' : 'auto'
    const known = EFFORTS.find((one) => one === effort)
    if (known !== undefined && type !== 'disabled') wish.effort = known
    else if (effort !== undefined && effort !== null) rest.effort = effort
    request.reasoning = wish
  } else {
    if (type !== undefined) extras.thinking = thinking.value
    if (effort !== undefined && effort !== null) rest.effort = effort
  }
  if (Object.keys(rest).length > 0) extras.output_config = rest
}

function readRest(root: Place, request: GenerateRequest, extras: JsonObject): void {
  // `output_format` is where the format stood before `output_config` came.
  const asked = root.at('output_config').at('format')
  const format = asked.isAbsent ? root.at('output_format') : asked
  if (!format.isAbsent) {
    format.at('type').oneOf(['json_schema'])
    request.output = { format: 'schema', schema: format.at('schema').object() }
  }
  const metadata = root.at('metadata')
  if (!metadata.isAbsent) {
    const { user_id: _, ...others } = metadata.object()
    const user = metadata.at('user_id').maybe((place) => place.text(256))
    if (user !== undefined) request.user = user
    if (Object.keys(others).length > 0) extras.metadata = others
  }
  const tier = root.at('service_tier').maybe((place) => place.text(50))
  if (tier !== undefined) request.serviceTier = tier === 'standard_only' ? 'default' : tier
  const stream = root.at('stream').maybe((place) => place.flag())
  if (stream !== undefined) request.stream = stream
  const params = root.at('params')
  const read = generateRequest.shape.params.safeParse(params.value ?? undefined)
  if (!read.success) params.fail('takes version and drop, and nothing else')
  if (read.data !== undefined) request.params = read.data
}
