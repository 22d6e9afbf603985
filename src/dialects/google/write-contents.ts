import type { Message, Part } from '../../contracts/index.ts'
import { writeInput } from '../anthropic/tool-input.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'
import { nativePart } from './native-parts.ts'
import { writeMedia } from './write-media.ts'

export interface WrittenContents {
  readonly systemInstruction: JsonObject | undefined
  readonly contents: readonly JsonObject[]
}

/**
 * What stands first as instructions goes out as `systemInstruction`; later there is no role for them. Calls and their
 * results have no ids here: a result is matched by its function's name and its place, so that the results of one turn are
 * written together and in the order of the calls. Throws `UnsupportedFeature`.
 */
export function writeContents(messages: readonly Message[]): WrittenContents {
  const firstOther = messages.findIndex(({ role }) => !isInstruction(role))
  const opening = messages.slice(0, firstOther < 0 ? messages.length : firstOther)
  const calls = new Map<string, Call>()
  const parts = opening.flatMap((message, index) => writeParts(message, index, calls))
  const contents: { role: string; parts: JsonObject[] }[] = []
  let results: Result[] | undefined
  for (let index = opening.length; index < messages.length; index++) {
    const message = messages[index] as Message
    if (isInstruction(message.role))
      throw new UnsupportedFeature(
        `messages.${index}`,
        'gemini',
        'gemini takes instructions only before all other messages',
      )
    const written = writeParts(message, index, calls)
    if (message.role !== 'tool') {
      results = undefined
      contents.push({ role: message.role === 'assistant' ? 'model' : 'user', parts: written })
      continue
    }
    if (results === undefined) {
      results = []
      contents.push({ role: 'user', parts: [] })
    }
    const ids = message.content.map((part) => (part.type === 'tool-result' ? part.callId : ''))
    for (const [at, part] of written.entries())
      results.push({ part, place: calls.get(ids[at] ?? '')?.place ?? Number.POSITIVE_INFINITY })
    const last = contents.at(-1) as (typeof contents)[number]
    last.parts = results.toSorted((left, right) => left.place - right.place).map(({ part }) => part)
  }
  return { systemInstruction: parts.length === 0 ? undefined : { parts }, contents }
}

interface Call {
  readonly name: string
  readonly place: number
}

interface Result {
  readonly part: JsonObject
  readonly place: number
}

function isInstruction(role: Message['role']): boolean {
  return role === 'system' || role === 'developer'
}

/** A signature is kept for the part that it signs, the next one; where none follows, an empty text bears it. */
function writeParts({ content, name, role }: Message, index: number, calls: Map<string, Call>): JsonObject[] {
  const place = `messages.${index}`
  if (name !== undefined) throw new UnsupportedFeature(`${place}.name`, 'gemini')
  const written: JsonObject[] = []
  let signature: string | undefined
  for (const [at, part] of content.entries()) {
    const here = `${place}.content.${at}`
    if (isInstruction(role) && part.type !== 'text')
      throw new UnsupportedFeature(here, 'gemini', `gemini takes instructions as text, not as ${part.type}`)
    if (part.type === 'reasoning') {
      if (part.redacted !== undefined)
        throw new UnsupportedFeature(here, 'gemini', 'gemini has no redacted thinking')
      if (signature !== undefined) written.push({ text: '', thoughtSignature: signature })
      const text = part.text ?? part.summary?.join('\n\n') ?? ''
      if (text !== '') written.push({ text, thought: true })
      signature = part.signature
      continue
    }
    if (part.type === 'tool-call') calls.set(part.id, { name: part.name, place: calls.size })
    const parts = writePart(part, here, calls)
    const [first] = parts
    if (first !== undefined && signature !== undefined) {
      first.thoughtSignature = signature
      signature = undefined
    }
    written.push(...parts)
  }
  if (signature !== undefined) written.push({ text: '', thoughtSignature: signature })
  return written
}

function writePart(
  part: Exclude<Part, { type: 'reasoning' }>,
  place: string,
  calls: ReadonlyMap<string, Call>,
): JsonObject[] {
  if ('cache' in part && part.cache !== undefined)
    throw new UnsupportedFeature(`${place}.cache`, 'gemini', 'gemini marks no part for its cache')
  switch (part.type) {
    case 'text': {
      const native = (part.annotations ?? []).map(nativePart).filter((one) => one !== undefined)
      return part.text === '' && native.length > 0 ? native : [{ text: part.text }, ...native]
    }
    case 'refusal':
      // It has no part of its own here: it is what the model said.
      return [{ text: part.text }]
    case 'image':
    case 'audio':
    case 'file':
      return [writeMedia(part, place)]
    case 'tool-call':
      return [{ functionCall: { name: part.name, args: writeInput(part.arguments) } }]
    case 'tool-result':
      return [writeResult(part, place, calls)]
  }
}

/** Google's keys for what a function gave are `output` and `error` (ai.google.dev/api/caching#FunctionResponse). */
function writeResult(
  part: Extract<Part, { type: 'tool-result' }>,
  place: string,
  calls: ReadonlyMap<string, Call>,
): JsonObject {
  const call = calls.get(part.callId)
  if (call === undefined)
    throw new UnsupportedFeature(place, 'gemini', `no call before it is called ${part.callId}`)
  const texts: string[] = []
  const media: JsonObject[] = []
  for (const [at, one] of part.content.entries()) {
    const here = `${place}.content.${at}`
    const [written] = writePart(one, here, calls)
    if (one.type === 'text') texts.push(one.text)
    else if (written?.inlineData !== undefined) media.push(written)
    else throw new UnsupportedFeature(here, 'gemini', 'gemini takes media of a result by value only')
  }
  const response = { [part.isError === true ? 'error' : 'output']: texts.join('\n') }
  return {
    functionResponse: { name: call.name, response, ...(media.length === 0 ? {} : { parts: media }) },
  }
}
