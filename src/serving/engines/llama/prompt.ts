import type { Binding, NativeModel } from './binding.ts'
import type { Ask, TemplateMessage } from './read-request.ts'
import { wrong } from './refusal.ts'

export interface PromptTokens {
  readonly tokens: readonly number[]
  /** Messages that were left out, oldest first, so that question and answer fit. */
  readonly droppedMessages: number
}

/** `llama_vocab_type` and `llama_token_attr` of llama.h. */
const WORD_PIECES = 3
const CONTROL = 8

/**
 * Questions as tokens, by the chat template of the file; a file without one gets the texts one after the other. What a person
 * wrote is never read as a control token, even where it looks like one.
 */
export class PromptWriter {
  readonly #model: NativeModel & { sepToken?(): number; shouldAppendEosToken?(): boolean }
  readonly #render: ((items: Record<string, unknown>) => string) | undefined
  readonly #bosText: string
  readonly #eosText: string

  constructor(binding: Binding, model: NativeModel, chatTemplate: string | undefined) {
    this.#model = model
    this.#bosText = textOfToken(model, model.tokenBos())
    this.#eosText = textOfToken(model, model.tokenEos())
    if (chatTemplate !== undefined) {
      const renderer = new binding.AddonJinjaRenderer(chatTemplate)
      this.#render = (items) => renderer.render(items)
    }
  }

  /** Throws `RequestRefused` where the template refuses the messages. */
  tokensOf(ask: Pick<Ask, 'messages' | 'tools'>): number[] {
    const guards = this.#guards(ask.messages)
    const messages = ask.messages.map((message, index) =>
      guards.has(index) ? { ...message, content: guardOf(index) } : message,
    )
    const text = this.#text(messages, ask.tools)
    const tokens = guards.size === 0 ? this.#tokenize(text, true) : this.#tokenizeGuarded(text, ask.messages)
    const bos = this.#model.tokenBos()
    return bos >= 0 && tokens[0] !== bos && this.#model.shouldPrependBosToken() ? [bos, ...tokens] : tokens
  }

  /**
   * The question, without its oldest turns where it does not fit into `roomTokens`; what the system says and the last message
   * stay. Undefined where even that does not fit.
   */
  fitted(ask: Pick<Ask, 'messages' | 'tools'>, roomTokens: number): PromptTokens | undefined {
    const messages = [...ask.messages]
    for (let droppedMessages = 0; ; droppedMessages++) {
      const tokens = this.tokensOf({ messages, tools: ask.tools })
      if (tokens.length <= roomTokens) return { tokens, droppedMessages }
      const oldest = messages.findIndex(({ role }) => role !== 'system')
      if (oldest < 0 || oldest >= messages.length - 1) return
      messages.splice(oldest, 1)
      // An answer without its question, or a result without its call, is no turn to begin with.
      while (messages.length - 1 > oldest && messages[oldest]?.role !== 'user') {
        messages.splice(oldest, 1)
        droppedMessages++
      }
    }
  }

  /** A text to embed, with the marks at its ends that the model was trained with. */
  tokensOfText(text: string): number[] {
    const tokens = this.#tokenize(text, false)
    return this.marked(tokens)
  }

  marked(tokens: readonly number[]): number[] {
    const bos = this.#model.tokenBos()
    const isWordPieces = this.#model.getVocabularyType() === WORD_PIECES
    const isBegun = bos >= 0 && tokens[0] !== bos && (isWordPieces || this.#model.shouldPrependBosToken())
    const end = isWordPieces
      ? (this.#model.sepToken?.() ?? -1)
      : this.#model.shouldAppendEosToken?.() === true
        ? this.#model.tokenEos()
        : -1
    return [...(isBegun ? [bos] : []), ...tokens, ...(end >= 0 && tokens.at(-1) !== end ? [end] : [])]
  }

  #text(messages: readonly TemplateMessage[], tools: Ask['tools']): string {
    if (this.#render === undefined) return messages.map(({ content }) => content).join('\n\n')
    try {
      return this.#render({
        messages,
        ...(tools === undefined ? {} : { tools }),
        add_generation_prompt: true,
        bos_token: this.#bosText,
        eos_token: this.#eosText,
      })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw wrong(`The chat template of this model refuses these messages: ${reason}`)
    }
  }

  #tokenize(text: string, withControl: boolean): number[] {
    return Array.from(this.#model.tokenize(text, withControl))
  }

  /** Places of messages whose text would be read as control tokens. */
  #guards(messages: readonly TemplateMessage[]): Set<number> {
    const isControl = (token: number) => (this.#model.getTokenAttributes(token) & CONTROL) !== 0
    return new Set(
      messages.flatMap(({ content }, index) =>
        this.#model.tokenize(content, true).some(isControl) ? [index] : [],
      ),
    )
  }

  #tokenizeGuarded(text: string, messages: readonly TemplateMessage[]): number[] {
    return text.split(/(\u{F0000}\d+\u{F0001})/u).flatMap((piece) => {
      const index = /^\u{F0000}(\d+)\u{F0001}$/u.exec(piece)?.[1]
      return index === undefined
        ? this.#tokenize(piece, true)
        : this.#tokenize(messages[Number(index)]?.content ?? '', false)
    })
  }
}

/** Stands for a message's text while the template is filled in; private-use characters that nothing else is made of. */
function guardOf(index: number): string {
  return `\u{F0000}${index}\u{F0001}`
}

function textOfToken(model: NativeModel, token: number): string {
  return token < 0 ? '' : model.getTokenString(token)
}
