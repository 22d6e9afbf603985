import type { GenerateAnswer, Part, TokenLogprob } from '../../contracts/index.ts'
import type { AnswerContext, JsonObject } from '../dialect.ts'
import { writeLogprobs } from '../openai/logprobs.ts'
import { citationsIn, itemsIn } from './native-items.ts'
import { answerItem, ownId } from './reasoning.ts'
import { endingOf, responseId, responseObject } from './response-object.ts'

/** A response as the API answers it. Only the first choice: the API has no other. */
export function writeAnswer(answer: GenerateAnswer, context: AnswerContext): JsonObject {
  const choice = answer.choices[0]
  const hasRefusal = choice?.content.some(({ type }) => type === 'refusal') ?? false
  const ending = endingOf(choice?.finishReason ?? 'other', hasRefusal)
  const id = responseId(answer.id, context)
  const items = new OutputItems(id, ending.status, choice?.logprobs)
  for (const part of choice?.content ?? []) items.add(part)
  return responseObject(
    {
      ...ending,
      id,
      createdAtMs: answer.createdAt === 0 ? context.createdAtMs : answer.createdAt,
      output: items.output,
      usage: answer.usage,
      serviceTier: answer.serviceTier,
    },
    context,
  )
}

class OutputItems {
  readonly output: JsonObject[] = []
  readonly #id: string
  readonly #status: string
  #logprobs: readonly TokenLogprob[] | undefined
  #said: JsonObject[] | undefined

  constructor(id: string, status: string, logprobs: readonly TokenLogprob[] | undefined) {
    this.#id = id
    this.#status = status
    this.#logprobs = logprobs
  }

  add(part: Part): void {
    switch (part.type) {
      case 'text':
        this.#text(part)
        return
      case 'refusal':
        this.#say({ type: 'refusal', refusal: part.text })
        return
      case 'audio':
        // There is no sound here; what was said is.
        if (part.transcript !== undefined) this.#say(outputText(part.transcript))
        return
      case 'reasoning':
        this.#item(answerItem(part, ownId(this.#id, this.output.length)))
        return
      case 'tool-call':
        this.#item({ ...callItem(this.#id, this.output.length, part), status: this.#status })
    }
  }

  #text({ annotations, text }: Extract<Part, { type: 'text' }>): void {
    for (const item of itemsIn(annotations)) this.#item(item)
    if (text === '' && annotations !== undefined) return
    const logprobs = this.#logprobs
    this.#logprobs = undefined
    this.#say(outputText(text, citationsIn(annotations), logprobs))
  }

  #say(part: JsonObject): void {
    if (this.#said === undefined) {
      this.#said = []
      const id = messageId(this.#id, this.output.length)
      this.output.push({ id, type: 'message', status: this.#status, role: 'assistant', content: this.#said })
    }
    this.#said.push(part)
  }

  #item(item: JsonObject): void {
    this.#said = undefined
    this.output.push(item)
  }
}

export function messageId(base: string, index: number): string {
  return `msg_${base}_${index}`
}

export function outputText(
  text: string,
  annotations: readonly JsonObject[] = [],
  logprobs?: readonly TokenLogprob[] | undefined,
): JsonObject {
  return { type: 'output_text', text, annotations, logprobs: writeLogprobs(logprobs)?.content ?? [] }
}

export function callItem(
  base: string,
  index: number,
  call: { readonly id: string; readonly name: string; readonly arguments: string },
): JsonObject {
  return {
    id: `fc_${base}_${index}`,
    type: 'function_call',
    call_id: call.id,
    name: call.name,
    arguments: call.arguments,
  }
}
