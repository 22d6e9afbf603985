import type { FinishReason, GenerateEvent, TokenLogprob } from '../../../contracts/index.ts'
import { StopTexts } from './stop-texts.ts'
import { TextJoiner, type TokenBytes } from './token-text.ts'
import { type CallPiece, CallSplitter, type CallWish } from './tool-calls.ts'

export interface WrittenLogprob {
  readonly token: number
  readonly logprob: number
  readonly top: readonly { readonly token: number; readonly logprob: number }[]
}

export interface AnswerEnd {
  readonly reason: FinishReason
  readonly raw: string
  readonly stopText?: string
}

/**
 * Tokens of one choice in, events out: characters are whole, text that may become a stop text or a call waits, and log-probabilities
 * travel with the first text that comes after their token.
 */
export class AnswerWriter {
  readonly #choice: number
  readonly #bytes: TokenBytes
  readonly #joiner = new TextJoiner()
  readonly #stops: StopTexts
  readonly #splitter: CallSplitter | undefined
  readonly #newCallId: () => string
  readonly #isOneCallOnly: boolean
  #text = ''
  #logprobs: TokenLogprob[] = []
  #pieces: CallPiece[] = []
  #calls = 0

  constructor(
    choice: number,
    bytes: TokenBytes,
    stop: readonly string[],
    calls: CallWish,
    newCallId: () => string,
  ) {
    this.#choice = choice
    this.#bytes = bytes
    this.#stops = new StopTexts(stop)
    this.#newCallId = newCallId
    if (calls.kind !== 'none')
      this.#splitter = new CallSplitter(calls.kind === 'free' ? 'marked' : calls.syntax)
    this.#isOneCallOnly = calls.kind === 'free' && calls.isOneOnly
  }

  /** Defined once a stop text, or the one call that was allowed, ends the answer. */
  push(token: number, logprob: WrittenLogprob | undefined): AnswerEnd | undefined {
    if (logprob !== undefined) this.#logprobs.push(this.#told(logprob))
    this.#show(this.#stops.push(this.#joiner.push(this.#bytes.of(token))))
    if (this.#stops.met !== undefined) return { reason: 'stop', raw: 'stop-text', stopText: this.#stops.met }
    if (this.#isOneCallOnly && (this.#splitter?.calls ?? 0) > 0)
      return { reason: 'tool-calls', raw: 'one-call' }
    return
  }

  /** What can be told by now. */
  take(): GenerateEvent[] {
    const events: GenerateEvent[] = []
    for (const piece of this.#pieces) {
      if (piece.kind === 'text') this.#text += piece.text
      else events.push(...this.#textEvents(), ...this.#callEvents(piece))
    }
    this.#pieces = []
    events.push(...this.#textEvents())
    return events
  }

  /** The rest, and how it ended; a call that was made is the reason that counts. */
  end({ reason, raw, stopText }: AnswerEnd): GenerateEvent[] {
    this.#show(this.#stops.push(this.#joiner.end()))
    this.#show(this.#stops.end())
    this.#pieces.push(...(this.#splitter?.end() ?? []))
    const events = this.take()
    if (this.#logprobs.length > 0)
      events.push({ type: 'text', choice: this.#choice, text: '', logprobs: this.#takeLogprobs() })
    const isCalled = this.#calls > 0 && reason === 'stop' && stopText === undefined
    events.push({
      type: 'finished',
      choice: this.#choice,
      reason: isCalled ? 'tool-calls' : reason,
      raw,
      ...(stopText === undefined ? {} : { stopText }),
    })
    return events
  }

  #show(text: string): void {
    if (text === '') return
    if (this.#splitter === undefined) this.#text += text
    else this.#pieces.push(...this.#splitter.push(text))
  }

  #textEvents(): GenerateEvent[] {
    if (this.#text === '') return []
    const text = this.#text
    this.#text = ''
    const logprobs = this.#takeLogprobs()
    return [{ type: 'text', choice: this.#choice, text, ...(logprobs.length === 0 ? {} : { logprobs }) }]
  }

  #callEvents(piece: Extract<CallPiece, { kind: 'call' }>): GenerateEvent[] {
    const at = { choice: this.#choice, call: this.#calls++ }
    return [
      { type: 'tool-call-started', ...at, id: this.#newCallId(), name: piece.name },
      { type: 'tool-call-arguments', ...at, text: piece.arguments },
    ]
  }

  #takeLogprobs(): TokenLogprob[] {
    const taken = this.#logprobs
    this.#logprobs = []
    return taken
  }

  #told({ token, logprob, top }: WrittenLogprob): TokenLogprob {
    return {
      ...this.#described(token, logprob),
      top: top.map((other) => this.#described(other.token, other.logprob)),
    }
  }

  #described(token: number, logprob: number): { token: string; logprob: number; bytes: number[] } {
    const bytes = this.#bytes.of(token)
    return { token: new TextDecoder().decode(bytes), logprob, bytes: [...bytes] }
  }
}
