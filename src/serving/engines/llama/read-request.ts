import type { GenerateRequest, Message, Part, Sampling } from '../../../contracts/index.ts'
import { GrammarRefused, grammarOfJson, grammarOfSchema } from './json-grammar.ts'
import { lacking, wrong } from './refusal.ts'
import { type CallSyntax, type CallWish, callWishOf, grammarOfCalls } from './tool-calls.ts'

/** A question in the form that the engine works with. */
export interface Ask {
  /** As chat templates read them. */
  readonly messages: readonly TemplateMessage[]
  readonly tools: readonly TemplateTool[] | undefined
  readonly sampling: Sampling
  readonly stop: readonly string[]
  readonly choices: number
  /** Alternatives to tell of each token; undefined: tell nothing. */
  readonly topLogprobs: number | undefined
  /** GBNF; undefined: any text. */
  readonly grammar: string | undefined
  readonly calls: CallWish
  readonly adapter: string | undefined
}

export interface TemplateMessage {
  readonly role: string
  readonly content: string
  readonly name?: string
  readonly reasoning_content?: string
  readonly tool_call_id?: string
  readonly tool_calls?: readonly {
    id: string
    type: 'function'
    function: { name: string; arguments: unknown }
  }[]
}

export interface TemplateTool {
  readonly type: 'function'
  readonly function: { name: string; description?: string; parameters?: unknown }
}

export interface AskLimits {
  readonly adapters: ReadonlySet<string>
  /** How calls are written here; undefined: the template knows no tools. */
  readonly callSyntax: CallSyntax | undefined
}

/** Throws `RequestRefused` with the field that this engine does not have. */
export function readRequest(request: GenerateRequest, limits: AskLimits): Ask {
  for (const field of ['reasoning', 'serviceTier'] as const)
    if (request[field] !== undefined) throw lacking(field, `Models that run here do not have ${field}.`)
  const calls = callWishOf(request, limits.callSyntax)
  if (calls.kind === 'forced' && request.output !== undefined && request.output.format !== 'text')
    throw wrong('An answer cannot be a forced tool call and of another form at once.')
  return {
    messages: request.messages.flatMap((message, index) => templateMessages(message, `messages.${index}`)),
    tools: request.tools?.map(({ name, description, parameters }) => ({
      type: 'function',
      function: {
        name,
        ...(description === undefined ? {} : { description }),
        ...(parameters === undefined ? {} : { parameters }),
      },
    })),
    sampling: request,
    stop: request.stop ?? [],
    choices: request.choices ?? 1,
    topLogprobs: request.logprobs?.top,
    grammar: grammarFor(request, calls),
    calls,
    adapter: adapterOf(request, limits.adapters),
  }
}

function grammarFor({ output, tools }: GenerateRequest, calls: CallWish): string | undefined {
  const place = calls.kind === 'forced' ? 'tools' : 'output.schema'
  try {
    if (calls.kind === 'forced') return grammarOfCalls(tools ?? [], calls)
    if (output?.format === 'json') return grammarOfJson()
    return output?.format === 'schema' ? grammarOfSchema(output.schema) : undefined
  } catch (error) {
    if (error instanceof GrammarRefused) throw wrong(`${place} at ${error.message}.`)
    throw error
  }
}

/** `lora` in the body, which every dialect hands on as an extra; nothing else is known. */
function adapterOf({ extras = {} }: GenerateRequest, adapters: ReadonlySet<string>): string | undefined {
  for (const name of Object.keys(extras))
    if (name !== 'lora') throw lacking(`extras.${name}`, `Models that run here do not have ${name}.`)
  const { lora } = extras
  if (lora === undefined || lora === null) return
  if (typeof lora === 'string' && adapters.has(lora)) return lora
  const known = [...adapters].join(', ') || 'none'
  throw wrong(`No adapter of this version is called ${String(lora)}; it has ${known}.`)
}

/** Results of tools are messages of their own to a template. */
function templateMessages(message: Message, place: string): TemplateMessage[] {
  const role = message.role === 'developer' ? 'system' : message.role
  const texts: string[] = []
  const reasoning: string[] = []
  const calls: NonNullable<TemplateMessage['tool_calls']>[number][] = []
  const results: TemplateMessage[] = []
  for (const [index, part] of message.content.entries()) {
    const at = `${place}.content.${index}`
    switch (part.type) {
      case 'text':
      case 'refusal':
        texts.push(part.text)
        break
      case 'reasoning':
        if (part.text !== undefined) reasoning.push(part.text)
        break
      case 'tool-call':
        calls.push({
          id: part.id,
          type: 'function',
          function: { name: part.name, arguments: parsed(part.arguments) },
        })
        break
      case 'tool-result':
        results.push({ role: 'tool', tool_call_id: part.callId, content: textOf(part.content, at) })
        break
      default:
        throw lacking(at, `Models that run here read text only, not a part of kind ${part.type}.`)
    }
  }
  const whole: TemplateMessage = {
    role,
    content: texts.join(''),
    ...(message.name === undefined ? {} : { name: message.name }),
    ...(reasoning.length === 0 ? {} : { reasoning_content: reasoning.join('\n') }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
  const isOnlyResults = results.length > 0 && texts.length === 0 && calls.length === 0
  return isOnlyResults ? results : [...results, whole]
}

function textOf(content: readonly Part[], place: string): string {
  return content
    .map((part, index) => {
      if (part.type === 'text') return part.text
      throw lacking(`${place}.content.${index}`, 'Models that run here read text only.')
    })
    .join('')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
