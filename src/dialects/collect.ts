import {
  type Choice,
  type GenerateAnswer,
  type GenerateEvent,
  NO_USAGE,
  type Part,
  type TokenLogprob,
  type TokenUsage,
} from '../contracts/index.ts'
import { UpstreamBroken } from './dialect.ts'
import { mergeUsage } from './merge-usage.ts'

type EventOf<Type extends GenerateEvent['type']> = Extract<GenerateEvent, { type: Type }>
type PartOf<Type extends Part['type']> = Extract<Part, { type: Type }>

/**
 * The answer that a stream tells, as if it had not been streamed.
 *
 * Throws `UpstreamBroken` for a stream that failed or did not end: half an answer is none.
 *
 * @param createdAt milliseconds of the answer, which no event tells.
 */
export function collect(events: Iterable<GenerateEvent>, createdAt: number): GenerateAnswer {
  const collector = new AnswerCollector()
  for (const event of events) collector.push(event)
  return collector.answer(createdAt)
}

/** The same while the events come. */
export class AnswerCollector {
  usage: TokenUsage = NO_USAGE
  #id = ''
  #providerModel: string | undefined
  #systemFingerprint: string | undefined
  #serviceTier: string | undefined
  #reportedCostUsd: string | undefined
  #isEnded = false
  #failure: EventOf<'failed'> | undefined
  readonly #choices = new Map<number, GrowingChoice>()

  push(event: GenerateEvent): void {
    switch (event.type) {
      case 'started':
        this.#id = event.id
        this.#providerModel = event.providerModel
        this.#systemFingerprint = event.systemFingerprint
        this.#serviceTier = event.serviceTier
        return
      case 'usage':
        this.#serviceTier = event.serviceTier ?? this.#serviceTier
        this.#reportedCostUsd = event.reportedCostUsd ?? this.#reportedCostUsd
        this.usage = mergeUsage(this.usage, event.usage)
        return
      case 'failed':
        this.#failure = event
        return
      case 'ended':
        this.#isEnded = true
        return
      default:
        this.#choice(event.choice).push(event)
    }
  }

  /** Throws `UpstreamBroken` where the stream failed or has not ended. */
  answer(createdAt: number): GenerateAnswer {
    const { code, detail = 'its stream has not ended', status = 200 } = this.#failure ?? {}
    if (this.#failure !== undefined || !this.#isEnded)
      throw new UpstreamBroken({ class: 'error', status, detail, code })
    const choices = [...this.#choices.values()].map((choice) => choice.whole())
    return {
      id: this.#id,
      ...(this.#providerModel === undefined ? {} : { providerModel: this.#providerModel }),
      createdAt,
      choices: choices.sort((left, right) => left.index - right.index),
      usage: this.usage,
      ...(this.#systemFingerprint === undefined ? {} : { systemFingerprint: this.#systemFingerprint }),
      ...(this.#serviceTier === undefined ? {} : { serviceTier: this.#serviceTier }),
      ...(this.#reportedCostUsd === undefined ? {} : { reportedCostUsd: this.#reportedCostUsd }),
    }
  }

  #choice(index: number): GrowingChoice {
    const known = this.#choices.get(index)
    if (known !== undefined) return known
    const choice = new GrowingChoice(index)
    this.#choices.set(index, choice)
    return choice
  }
}

type ChoiceEvent = Exclude<GenerateEvent, EventOf<'started' | 'usage' | 'failed' | 'ended'>>

/** Text of one kind is one part until something else comes between; calls grow where they began. */
class GrowingChoice {
  readonly #index: number
  readonly #content: Part[] = []
  readonly #calls = new Map<number, PartOf<'tool-call'>>()
  readonly #logprobs: TokenLogprob[] = []
  #finished: EventOf<'finished'> | undefined

  constructor(index: number) {
    this.#index = index
  }

  push(event: ChoiceEvent): void {
    switch (event.type) {
      case 'text':
        this.#growing('text').text += event.text
        if (event.logprobs !== undefined) this.#logprobs.push(...event.logprobs)
        return
      case 'refusal':
        this.#growing('refusal').text += event.text
        return
      case 'annotation': {
        const part = this.#growing('text')
        part.annotations = [...(part.annotations ?? []), event.annotation]
        return
      }
      case 'reasoning':
        this.#reason(event)
        return
      case 'tool-call-started': {
        const call: Part = { type: 'tool-call', id: event.id, name: event.name, arguments: '' }
        this.#calls.set(event.call, call)
        this.#content.push(call)
        return
      }
      case 'tool-call-arguments': {
        const call = this.#calls.get(event.call)
        if (call !== undefined) call.arguments += event.text
        return
      }
      case 'finished':
        this.#finished = event
    }
  }

  whole(): Choice {
    const { raw, reason = 'other', stopText } = this.#finished ?? {}
    return {
      index: this.#index,
      content: this.#content,
      finishReason: reason,
      ...(raw === undefined ? {} : { rawFinishReason: raw }),
      ...(stopText === undefined ? {} : { stopText }),
      ...(this.#logprobs.length === 0 ? {} : { logprobs: this.#logprobs }),
    }
  }

  #growing<Type extends 'text' | 'refusal'>(type: Type): PartOf<Type> {
    const last = this.#content.at(-1)
    if (last?.type === type) return last as PartOf<Type>
    const part = { type, text: '' } as PartOf<Type>
    this.#content.push(part)
    return part
  }

  /** A signature closes the thinking that it signs; what is redacted stands alone. */
  #reason({ redacted, signature, text }: EventOf<'reasoning'>): void {
    if (redacted !== undefined) this.#content.push({ type: 'reasoning', redacted })
    if (text === undefined && signature === undefined) return
    const last = this.#content.at(-1)
    const isOpen = last?.type === 'reasoning' && last.signature === undefined && last.redacted === undefined
    const part: PartOf<'reasoning'> = isOpen ? last : { type: 'reasoning' }
    if (!isOpen) this.#content.push(part)
    if (text !== undefined) part.text = (part.text ?? '') + text
    if (signature !== undefined) part.signature = signature
  }
}
