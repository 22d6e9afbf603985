import type { GenerateRequest, Tool } from '../../../contracts/index.ts'
import { grammarOfSchema } from './json-grammar.ts'
import { lacking, wrong } from './refusal.ts'

/**
 * How a model writes a call: between `<tool_call>` marks, as the chat templates of Hermes, Qwen and many after them teach it, or,
 * where a template knows tools but no such mark, as nothing but the JSON of a call, which is then held to by grammar.
 */
export type CallSyntax = 'marked' | 'bare'

export type CallWish =
  | { readonly kind: 'none' }
  /** The model decides; only what stands between marks is a call. */
  | { readonly kind: 'free'; readonly isOneOnly: boolean }
  | { readonly kind: 'forced'; readonly syntax: CallSyntax; readonly name: string | undefined }

export const CALL_BEGIN = '<tool_call>'
export const CALL_END = '</tool_call>'

export function callSyntaxOf(chatTemplate: string | undefined): CallSyntax | undefined {
  if (chatTemplate === undefined || !/\btools\b/.test(chatTemplate)) return
  return chatTemplate.includes(CALL_BEGIN) ? 'marked' : 'bare'
}

/** Throws `RequestRefused` where the model has no way to be asked. */
export function callWishOf(request: GenerateRequest, syntax: CallSyntax | undefined): CallWish {
  const { tools, toolChoice = 'auto', parallelToolCalls } = request
  if (tools === undefined || tools.length === 0 || toolChoice === 'none') return { kind: 'none' }
  if (syntax === undefined) throw lacking('tools', 'The chat template of this model knows no tools.')
  if (typeof toolChoice === 'object') {
    if (!tools.some((tool) => tool.name === toolChoice.name))
      throw wrong(`toolChoice: no tool is called ${toolChoice.name}.`)
    return { kind: 'forced', syntax, name: toolChoice.name }
  }
  if (toolChoice === 'required') return { kind: 'forced', syntax, name: undefined }
  if (syntax === 'marked') return { kind: 'free', isOneOnly: parallelToolCalls === false }
  throw lacking(
    request.toolChoice === undefined ? 'tools' : 'toolChoice',
    'The chat template of this model does not say how it marks a call: ask for none, for required, or for one by name.',
  )
}

/** One call to one of the tools; throws `GrammarRefused`. */
export function grammarOfCalls(tools: readonly Tool[], wish: Extract<CallWish, { kind: 'forced' }>): string {
  const wanted = wish.name === undefined ? tools : tools.filter((tool) => tool.name === wish.name)
  const calls = wanted.map((tool, index) => ({
    type: 'object',
    properties: {
      name: { const: tool.name },
      arguments: tool.parameters === undefined ? { type: 'object' } : { $ref: `#/$defs/t${index}` },
    },
    required: ['name', 'arguments'],
  }))
  const $defs = Object.fromEntries(wanted.map((tool, index) => [`t${index}`, tool.parameters ?? {}]))
  const grammar = grammarOfSchema({ anyOf: calls, $defs })
  if (wish.syntax === 'bare') return grammar
  return grammar.replace(/^root ::= (.*)$/m, `root ::= "${CALL_BEGIN}\\n" $1 "\\n${CALL_END}"`)
}

export type CallPiece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: string }

/** Tells calls from text as it comes, wherever token borders fall. A call that is no JSON stays text. */
export class CallSplitter {
  readonly #syntax: CallSyntax
  #held = ''
  calls = 0

  constructor(syntax: CallSyntax) {
    this.#syntax = syntax
  }

  push(text: string): CallPiece[] {
    this.#held += text
    if (this.#syntax === 'bare') return []
    const pieces: CallPiece[] = []
    for (;;) {
      const begin = this.#held.indexOf(CALL_BEGIN)
      if (begin < 0) {
        const kept = beginningOf(CALL_BEGIN, this.#held)
        pieces.push(...this.#text(this.#held.length - kept))
        return pieces
      }
      pieces.push(...this.#text(begin))
      const end = this.#held.indexOf(CALL_END)
      if (end < 0) return pieces
      pieces.push(this.#call(this.#held.slice(0, end + CALL_END.length), CALL_BEGIN.length, end))
      this.#held = this.#held.slice(end + CALL_END.length)
    }
  }

  end(): CallPiece[] {
    const rest = this.#held
    this.#held = ''
    if (rest === '') return []
    return [this.#syntax === 'bare' ? this.#call(rest, 0, rest.length) : { kind: 'text', text: rest }]
  }

  #text(length: number): CallPiece[] {
    if (length <= 0) return []
    const text = this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    return [{ kind: 'text', text }]
  }

  #call(whole: string, from: number, to: number): CallPiece {
    try {
      const { name, arguments: given = {} } = JSON.parse(whole.slice(from, to)) as Record<string, unknown>
      if (typeof name === 'string') {
        this.calls++
        return { kind: 'call', name, arguments: JSON.stringify(given) }
      }
    } catch {
      // Not a call after all.
    }
    return { kind: 'text', text: whole }
  }
}

/** How many characters at the end of the text could be the beginning of the mark. */
function beginningOf(mark: string, text: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--)
    if (text.endsWith(mark.slice(0, length))) return length
  return 0
}
