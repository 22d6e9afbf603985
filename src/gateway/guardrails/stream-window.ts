import type { Checkpoint, GenerateEvent, GuardrailVerdict } from '../../contracts/index.ts'
import type { Guarded, GuardOut, GuardStream } from '../text/parts.ts'
import type { CompiledRule } from './compile.ts'
import { PLACEHOLDER_CHARACTERS, type Placeholders, redaction, replaceFindings } from './placeholders.ts'
import { type Finding, withoutOverlaps } from './rule.ts'

export type Block = Extract<Guarded<never>, { verdict: 'block' }>

/** What the window asks of the run that it belongs to. */
export interface WindowRules {
  readonly placeholders: Placeholders
  spans(compiled: CompiledRule, at: Checkpoint, text: string): string | Block | undefined
  judge(compiled: CompiledRule, at: Checkpoint, text: string): Promise<string | Block | undefined>
  note(
    compiled: CompiledRule,
    at: Checkpoint,
    verdict: GuardrailVerdict['verdict'],
    reason: string,
    tookMs: number,
  ): void
}

/** What went out already and is still looked at, since a pattern may ask what stands before it. */
const CONTEXT = 64
/** Of a tool call's arguments, which are judged whole. */
const MAX_HELD_CHARACTERS = 1_048_576

/**
 * The window of a stream. Of each choice's text so many characters are held back as the longest match of its rules may
 * have, less one: a match can then never be half out. Rules that judge a whole text are asked at the end, when most of
 * it is out; a block then ends the stream with an error. Tool calls are held until they are whole.
 */
export class StreamWindow implements GuardStream {
  readonly #run: WindowRules
  readonly #spanRules: readonly CompiledRule[]
  readonly #judging: readonly CompiledRule[]
  readonly #toolRules: readonly CompiledRule[]
  readonly #out: GuardOut
  readonly #holdCharacters: number
  readonly #texts = new Map<number, ChoiceText>()
  #heldCalls: Extract<GenerateEvent, { type: 'tool-call-started' | 'tool-call-arguments' }>[] = []
  #heldCallCharacters = 0
  #isOver = false
  /** Events wait for a rule that is being asked. */
  #waiting: GenerateEvent[] | undefined

  constructor(
    run: WindowRules,
    textRules: readonly CompiledRule[],
    toolRules: readonly CompiledRule[],
    out: GuardOut,
  ) {
    this.#run = run
    this.#spanRules = textRules.filter(({ rule }) => rule.kind === 'spans')
    this.#judging = textRules.filter(({ rule }) => rule.kind === 'judgement')
    this.#toolRules = toolRules
    this.#out = out
    const enforced = this.#spanRules.filter(({ config }) => config.mode === 'enforce')
    this.#holdCharacters = Math.max(
      0,
      run.placeholders.isEmpty ? 0 : PLACEHOLDER_CHARACTERS - 1,
      ...enforced.map(({ rule }) => (rule.kind === 'spans' ? rule.maxMatch - 1 : 0)),
    )
  }

  push(event: GenerateEvent): void {
    if (this.#isOver) return
    if (this.#waiting !== undefined) {
      this.#waiting.push(event)
      return
    }
    if (event.type === 'text') this.#text(event)
    else if (event.type === 'tool-call-started' || event.type === 'tool-call-arguments') this.#call(event)
    else if (event.type === 'usage' || event.type === 'started' || event.type === 'reasoning')
      this.#out.event(event)
    else this.#turn(event)
  }

  #text(event: Extract<GenerateEvent, { type: 'text' }>): void {
    const held = this.#texts.get(event.choice) ?? new ChoiceText()
    this.#texts.set(event.choice, held)
    held.whole += this.#judging.length > 0 ? event.text : ''
    held.pending += event.text
    this.#release(event.choice, held, false)
  }

  /** Sends what can be sent; all of it when nothing more will come before something else. */
  #release(choice: number, held: ChoiceText, isWhole: boolean): void {
    const looked = held.context + held.pending
    let safe = isWhole ? looked.length : looked.length - this.#holdCharacters
    if (safe <= held.context.length) return
    const found: (Finding & { readonly by: CompiledRule })[] = []
    for (const compiled of this.#spanRules) {
      if (compiled.rule.kind !== 'spans') continue
      const findings = compiled.rule.find(looked).filter(({ to }) => to > held.context.length)
      if (compiled.config.mode === 'shadow') this.#noteShadow(compiled, held, findings)
      else if (compiled.action === 'block' && findings[0] !== undefined) {
        this.#block(compiled, findings[0])
        return
      } else for (const finding of findings) found.push({ ...finding, by: compiled })
    }
    // A match that reaches into what is held may still grow: it stays whole, and so does what stands behind it.
    if (!isWhole)
      for (const { from, to } of found)
        if (from < safe && to > safe) safe = Math.max(from, held.context.length)
    const settled = found.filter(({ from, to }) => from >= held.context.length && to <= safe)
    for (const { by, label } of settled) this.#run.note(by, 'stream', 'redact', `found ${label}`, 0)
    const shift = held.context.length
    const moved = settled.map(({ from, label, to }) => ({ from: from - shift, to: to - shift, label }))
    const redacted = replaceFindings(looked.slice(shift, safe), withoutOverlaps(moved), redaction)
    const sent = this.#run.placeholders.restore(redacted)
    held.pending = looked.slice(safe)
    held.context = looked.slice(Math.max(0, safe - CONTEXT), safe)
    if (sent !== '') this.#out.event({ type: 'text', choice, text: sent })
  }

  /** A shadow rule tells each thing once, though it may see it in several windows. */
  #noteShadow(compiled: CompiledRule, held: ChoiceText, findings: readonly Finding[]): void {
    for (const { label } of findings) {
      const key = `${compiled.config.name} ${label}`
      if (held.shadowed.has(key)) continue
      held.shadowed.add(key)
      const verdict = compiled.action === 'block' ? 'block' : 'redact'
      this.#run.note(compiled, 'stream', verdict, `found ${label}`, 0)
    }
  }

  #call(event: Extract<GenerateEvent, { type: 'tool-call-started' | 'tool-call-arguments' }>): void {
    this.#releaseAll()
    if (this.#toolRules.length === 0) {
      if (!this.#isOver) this.#out.event(event)
      return
    }
    this.#heldCalls.push(event)
    this.#heldCallCharacters += event.type === 'tool-call-arguments' ? event.text.length : 0
    if (this.#heldCallCharacters > MAX_HELD_CHARACTERS)
      this.#fail('the arguments of a tool call are larger than what can be looked at')
  }

  /** An event that ends something: what is held comes out before it, once the rules have seen all of it. */
  #turn(event: GenerateEvent): void {
    this.#releaseAll()
    if (this.#isOver) return
    const judgements = event.type === 'ended' ? this.#wholeTexts() : []
    const calls = this.#heldCalls
    if (judgements.length === 0 && calls.length === 0) {
      this.#emit(event)
      return
    }
    this.#heldCalls = []
    this.#heldCallCharacters = 0
    this.#waiting = []
    this.#out.pause()
    void this.#judgeThen(judgements, calls, event)
  }

  async #judgeThen(
    texts: readonly string[],
    calls: readonly Extract<GenerateEvent, { type: 'tool-call-started' | 'tool-call-arguments' }>[],
    event: GenerateEvent,
  ): Promise<void> {
    const block = (await this.#judgeCalls(calls)) ?? (await this.#judgeTexts(texts))
    if (this.#isOver) return
    if (block !== undefined) {
      this.#fail(`${block.rule}: ${block.reason}`)
      this.#out.resume()
      return
    }
    for (const call of calls) this.#out.event(call)
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    this.#emit(event)
    for (const later of waiting) this.push(later)
    this.#out.resume()
  }

  async #judgeTexts(texts: readonly string[]): Promise<Block | undefined> {
    for (const text of texts)
      for (const compiled of this.#judging) {
        const outcome = await this.#run.judge(compiled, 'output', text)
        // What is out cannot be rewritten any more, so a redaction at the end is a block.
        if (typeof outcome === 'string')
          return {
            verdict: 'block',
            rule: compiled.config.name,
            reason: 'it redacts, and the text is out already',
          }
        if (outcome !== undefined) return outcome
      }
    return undefined
  }

  async #judgeCalls(
    calls: readonly Extract<GenerateEvent, { type: 'tool-call-started' | 'tool-call-arguments' }>[],
  ): Promise<Block | undefined> {
    const written = new Map<string, string>()
    for (const event of calls)
      if (event.type === 'tool-call-arguments') {
        const key = `${event.choice} ${event.call}`
        written.set(key, (written.get(key) ?? '') + event.text)
      }
    for (const text of written.values())
      for (const compiled of this.#toolRules) {
        const outcome =
          compiled.rule.kind === 'spans'
            ? this.#run.spans(compiled, 'tool', text)
            : await this.#run.judge(compiled, 'tool', text)
        if (typeof outcome === 'string')
          return {
            verdict: 'block',
            rule: compiled.config.name,
            reason: 'the arguments of a call cannot be redacted',
          }
        if (outcome !== undefined) return outcome
      }
    return undefined
  }

  #wholeTexts(): string[] {
    return this.#judging.length === 0
      ? []
      : [...this.#texts.values()].map(({ whole }) => whole).filter((text) => text !== '')
  }

  #releaseAll(): void {
    for (const [choice, held] of this.#texts) {
      if (this.#isOver) return
      this.#release(choice, held, true)
    }
  }

  #block(compiled: CompiledRule, { label }: Finding): void {
    this.#run.note(compiled, 'stream', 'block', `found ${label}`, 0)
    this.#fail(`${compiled.config.name} found ${label}`)
  }

  #emit(event: GenerateEvent): void {
    if (event.type === 'ended' || event.type === 'failed') this.#isOver = true
    this.#out.event(event)
  }

  #fail(detail: string): void {
    this.#isOver = true
    this.#waiting = undefined
    this.#out.event({ type: 'failed', code: 'guardrail_blocked', detail, status: 422 })
  }
}

class ChoiceText {
  /** The end of what went out, as it came. */
  context = ''
  pending = ''
  /** Everything, for rules that judge the whole. */
  whole = ''
  readonly shadowed = new Set<string>()
}
