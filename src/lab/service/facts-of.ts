import type { ProbeSpec } from './battery.ts'
import { type Json, members, parsed, textOf } from './json.ts'
import type { RawAnswer } from './raw-answer.ts'

/** What one answer shows, as `aspect → value`; content of the model is left out, its form is not. */
export type Facts = Readonly<Record<string, string>>

/** Nothing can be concluded from these: the target was away, busy or broken, or our key does not hold. */
export function saysNothing({ status }: RawAnswer): boolean {
  return status === 0 || status === 401 || status === 403 || status === 429 || status >= 500
}

/** Pure. The values are bounded, so that they can stand in evidence. */
export function factsOf(probe: ProbeSpec, answer: RawAnswer): Facts {
  const facts: Record<string, string> = { status: String(answer.status) }
  const type = answer.headers['content-type']
  if (type !== undefined) facts['header content-type'] = type.split(';')[0]!.trim()
  for (const name of Object.keys(answer.headers))
    if (/^(x-)?ratelimit-|^retry-after$/.test(name)) facts[`header ${name}`] = 'there'
  if (answer.status < 200 || answer.status > 299) return { ...facts, ...refusalFacts(answer) }
  const isStream = probe.body.stream === true
  const read = isStream ? streamFacts(answer.body, facts) : wholeFacts(answer.body, facts)
  keptFacts(probe, read, facts)
  return facts
}

/** What both kinds of answer come to. */
interface Read {
  text: string
  finish: string | null
  calls: { name: string; arguments: string }[]
  outputTokens: number | null
}

function refusalFacts({ body }: RawAnswer): Facts {
  const facts: Record<string, string> = {}
  const read = parsed(body)
  if (read === undefined) return { 'error form': 'not JSON' }
  formOf(read, 'field ', '', facts)
  const error = members(members(read)?.error as Json)
  for (const name of ['code', 'type'])
    if (typeof error?.[name] === 'string') facts[`error ${name}`] = textOf(error[name])
  return facts
}

function wholeFacts(body: string, facts: Record<string, string>): Read {
  const read = parsed(body)
  if (read === undefined) {
    facts.form = 'not JSON'
    return { text: '', finish: null, calls: [], outputTokens: null }
  }
  formOf(read, 'field ', '', facts)
  const choice = members(first(members(read)?.choices))
  const message = members(choice?.message)
  const calls = Array.isArray(message?.tool_calls) ? message.tool_calls : []
  const usage = members(members(read)?.usage)
  usageFacts(usage, facts)
  return {
    text: typeof message?.content === 'string' ? message.content : '',
    finish: typeof choice?.finish_reason === 'string' ? choice.finish_reason : null,
    calls: calls.slice(0, 64).map((call) => {
      const called = members(members(call)?.function)
      return { name: textOf(called?.name), arguments: String(called?.arguments ?? '') }
    }),
    outputTokens: numberOf(usage?.completion_tokens),
  }
}

function streamFacts(body: string, facts: Record<string, string>): Read {
  const read: Read = { text: '', finish: null, calls: [], outputTokens: null }
  const order: string[] = []
  let isDone = false
  for (const line of body.split(/\r?\n/)) {
    if (!line.startsWith('data:')) continue
    const data = line.slice(5).trim()
    if (data === '[DONE]') isDone = true
    const event = data === '[DONE]' ? undefined : parsed(data)
    const kind = data === '[DONE]' ? 'done' : event === undefined ? 'not JSON' : takeEvent(event, read, facts)
    if (order.at(-1) !== kind && order.length < 32) order.push(kind)
  }
  facts['stream ends with [DONE]'] = isDone ? 'kept' : 'broken'
  facts['stream order'] = order.join(', ')
  return read
}

function takeEvent(event: Json, read: Read, facts: Record<string, string>): string {
  formOf(event, 'event field ', '', facts)
  const usage = members(members(event)?.usage)
  if (usage !== undefined) {
    usageFacts(usage, facts)
    read.outputTokens = numberOf(usage.completion_tokens)
  }
  const choice = members(first(members(event)?.choices))
  if (choice === undefined) return usage === undefined ? 'other' : 'usage'
  const delta = members(choice.delta)
  if (typeof delta?.content === 'string') read.text += delta.content
  const calls = Array.isArray(delta?.tool_calls) ? delta.tool_calls : []
  for (const part of calls) takeCall(members(part), read)
  if (typeof choice.finish_reason !== 'string') return calls.length > 0 ? 'tool calls' : 'content'
  read.finish = choice.finish_reason
  return 'finish'
}

function takeCall(part: Record<string, Json> | undefined, read: Read): void {
  const index = numberOf(part?.index) ?? 0
  if (!Number.isInteger(index) || index < 0 || index > 63) return
  const called = members(part?.function)
  while (read.calls.length <= index) read.calls.push({ name: '', arguments: '' })
  const call = read.calls[index]!
  if (typeof called?.name === 'string') call.name = textOf(called.name)
  if (typeof called?.arguments === 'string') call.arguments += called.arguments
}

/** Whether the answer does what the probe asked for. */
function keptFacts({ expects }: ProbeSpec, read: Read, facts: Record<string, string>): void {
  const say = (aspect: string, isKept: boolean) => {
    facts[aspect] = isKept ? 'kept' : 'broken'
  }
  facts['finish reason'] = read.finish ?? 'none'
  if (expects.kind === 'tools') {
    for (const name of expects.names)
      say(
        `call of ${name}`,
        read.calls.some((call) => call.name === name),
      )
    if (read.calls.length > 0)
      say(
        'arguments that are JSON',
        read.calls.every((call) => parsed(call.arguments) !== undefined),
      )
  }
  if (expects.kind === 'json') {
    const object = members(parsed(read.text))
    say(
      'JSON with the required members',
      object !== undefined && expects.required.every((name) => Object.hasOwn(object, name)),
    )
  }
  if (expects.kind === 'stop') say('stop word left out', !read.text.includes(expects.word))
  if (expects.kind === 'limit' && read.outputTokens !== null)
    say('limit of tokens', read.outputTokens <= expects.tokens)
  // Content itself is no fact; here its repetition is, so a digest of it would do. Bounded text is easier to read.
  if (expects.kind === 'repeats') facts['seeded answer'] = textOf(read.text)
}

function usageFacts(usage: Record<string, Json> | undefined, facts: Record<string, string>): void {
  const [input, output, total] = ['prompt_tokens', 'completion_tokens', 'total_tokens'].map((name) =>
    numberOf(usage?.[name]),
  )
  if (input == null || output == null || total == null) return
  facts['usage that adds up'] = input + output === total ? 'kept' : 'broken'
}

/** `field choices[].message.content → string`; a field of several types lists them. */
function formOf(value: Json, prefix: string, path: string, facts: Record<string, string>): void {
  if (Object.keys(facts).length > MOST_FACTS || path.length > 160) return
  if (Array.isArray(value)) {
    note(facts, `${prefix}${path}`, 'list')
    for (const item of value.slice(0, 64)) formOf(item, prefix, `${path}[]`, facts)
    return
  }
  const object = members(value)
  const type = value === null ? 'null' : typeof value
  if (path !== '' || object === undefined) note(facts, `${prefix}${path}`, type)
  for (const [name, member] of Object.entries(object ?? {}))
    formOf(member, prefix, path === '' ? name : `${path}.${name}`, facts)
}

function note(facts: Record<string, string>, aspect: string, type: string): void {
  const types = new Set(facts[aspect]?.split('|') ?? [])
  facts[aspect] = [...types.add(type)].toSorted().join('|')
}

function first(value: Json | undefined): Json | undefined {
  return Array.isArray(value) ? value[0] : undefined
}

function numberOf(value: Json | undefined): number | null {
  return typeof value === 'number' ? value : null
}

const MOST_FACTS = 400
