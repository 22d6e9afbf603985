import { type GenerateRequest, generateRequest, type Message, type Tool } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'
import { Place } from '../json/place.ts'
import { NativeMarks } from './native-items.ts'
import { readInput } from './read-input.ts'

const READ: ReadonlySet<string> = new Set([
  'include',
  'input',
  'instructions',
  'max_output_tokens',
  'metadata',
  'model',
  'parallel_tool_calls',
  'params',
  'reasoning',
  'service_tier',
  'stream',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'user',
])

const LOGPROBS = 'message.output_text.logprobs'
const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh'] as const

/**
 * `POST /v1/responses`; platform.openai.com/docs/api-reference/responses. What refers to state that the provider keeps
 * (`previous_response_id`, `conversation`, `store`, `background`, `prompt`) stays in the extras.
 */
export function readRequest(body: JsonObject): GenerateRequest {
  const root = new Place(body)
  root.object()
  const marks = new NativeMarks()
  const extras: JsonObject = {}
  for (const [name, value] of Object.entries(body))
    if (!READ.has(name) && value !== null) extras[name] = value
  const instructions = root.at('instructions').maybe(
    (place): Message => ({
      role: 'system',
      content: [{ type: 'text', text: place.text() }],
    }),
  )
  const messages = readInput(root.at('input'), marks)
  if (messages.length === 0) root.at('input').fail('has no item')
  const request: GenerateRequest = {
    messages: instructions === undefined ? messages : [instructions, ...messages],
  }
  readTools(root, request, extras)
  readSampling(root, request, extras)
  readText(root, request, extras)
  readReasoning(root, request, extras)
  readRest(root, request)
  Object.assign(extras, marks.extras)
  if (Object.keys(extras).length > 0) request.extras = extras
  return request
}

function readTools(root: Place, request: GenerateRequest, extras: JsonObject): void {
  const tools: Tool[] = []
  for (const tool of root.at('tools').maybe((place) => place.list(1024)) ?? []) {
    tool.object()
    const type = tool.at('type').text(100)
    const isPlain =
      type === 'function' &&
      ['allowed_callers', 'async', 'defer_loading', 'output_schema'].every((name) => tool.at(name).isAbsent)
    if (isPlain) tools.push(readTool(tool))
    else extras[`tools.${type}`] = [...((extras[`tools.${type}`] as unknown[] | undefined) ?? []), tool.value]
  }
  if (tools.length > 0) request.tools = tools
  const isParallel = root.at('parallel_tool_calls').maybe((place) => place.flag())
  if (isParallel !== undefined) request.parallelToolCalls = isParallel
  const choice = root.at('tool_choice')
  if (choice.isAbsent) return
  if (typeof choice.value === 'string') request.toolChoice = choice.oneOf(['auto', 'none', 'required'])
  else {
    choice.object()
    const type = choice.at('type').text(100)
    if (type === 'function') request.toolChoice = { name: choice.at('name').text(200) }
    else extras[`tool_choice.${type}`] = choice.value
  }
}

function readTool(tool: Place): Tool {
  const name = tool.at('name').text(200)
  if (name === '') tool.at('name').fail('must not be empty')
  const description = tool.at('description').maybe((place) => place.text())
  const parameters = tool.at('parameters').maybe((place) => place.object())
  const strict = tool.at('strict').maybe((place) => place.flag())
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(strict === undefined ? {} : { strict }),
  }
}

function readSampling(root: Place, request: GenerateRequest, extras: JsonObject): void {
  const most = root.at('max_output_tokens').maybe((place) => place.integer(1))
  const temperature = root.at('temperature').maybe((place) => place.number(0, 2))
  const topP = root.at('top_p').maybe((place) => place.number(0, 1))
  const top = root.at('top_logprobs').maybe((place) => place.integer(0, 20))
  const include = root.at('include').maybe((place) => place.list(100).map((one) => one.text(200))) ?? []
  if (most !== undefined) request.maxOutputTokens = most
  if (temperature !== undefined) request.temperature = temperature
  if (topP !== undefined) request.topP = topP
  if (top !== undefined || include.includes(LOGPROBS)) request.logprobs = { top: top ?? 0 }
  const others = include.filter((one) => one !== LOGPROBS)
  if (others.length > 0) extras.include = others
}

function readText(root: Place, request: GenerateRequest, extras: JsonObject): void {
  const text = root.at('text')
  if (text.isAbsent) return
  const { format: _, verbosity, ...others } = text.object()
  if (verbosity !== undefined && verbosity !== null) extras.verbosity = verbosity
  if (Object.keys(others).length > 0) extras.text = others
  const format = text.at('format')
  if (format.isAbsent) return
  format.object()
  const type = format.at('type').oneOf(['text', 'json_object', 'json_schema'])
  if (type === 'text') request.output = { format: 'text' }
  else if (type === 'json_object') request.output = { format: 'json' }
  else {
    const name = format.at('name').maybe((place) => place.text(200))
    const description = format.at('description').maybe((place) => place.text())
    const strict = format.at('strict').maybe((place) => place.flag())
    request.output = {
      format: 'schema',
      schema: format.at('schema').object(),
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      ...(strict === undefined ? {} : { strict }),
    }
  }
}

/** An effort that the neutral form has no word for, and all else that is said of the thinking, stays what it is here. */
function readReasoning(root: Place, request: GenerateRequest, extras: JsonObject): void {
  const reasoning = root.at('reasoning')
  if (reasoning.isAbsent) return
  const { effort, generate_summary: _, summary: __, ...others } = reasoning.object()
  const rest: JsonObject = { ...others }
  const known = EFFORTS.find((one) => one === effort)
  if (known === undefined && effort !== undefined && effort !== null)
    rest.effort = reasoning.at('effort').text(50)
  const place = reasoning.at('summary').isAbsent ? reasoning.at('generate_summary') : reasoning.at('summary')
  const summary = place.maybe((one) => one.oneOf(['auto', 'concise', 'detailed']))
  request.reasoning = {
    ...(known === undefined ? {} : { effort: known }),
    ...(summary === undefined ? {} : { summary }),
  }
  if (Object.keys(rest).length > 0) extras.reasoning = rest
}

function readRest(root: Place, request: GenerateRequest): void {
  const metadata = root.at('metadata')
  if (!metadata.isAbsent) {
    const names = Object.keys(metadata.object())
    request.metadata = Object.fromEntries(names.map((name) => [name, metadata.at(name).text()]))
  }
  const tier = root.at('service_tier').maybe((place) => place.text(50))
  if (tier !== undefined) request.serviceTier = tier
  const user = root.at('user').maybe((place) => place.text(256))
  if (user !== undefined) request.user = user
  const stream = root.at('stream').maybe((place) => place.flag())
  if (stream !== undefined) request.stream = stream
  const params = root.at('params')
  const read = generateRequest.shape.params.safeParse(params.value ?? undefined)
  if (!read.success) params.fail('takes version and drop, and nothing else')
  if (read.data !== undefined) request.params = read.data
}
