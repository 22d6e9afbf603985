import type { Checkpoint, GenerateAnswer, GenerateRequest, GuardrailVerdict } from '../../contracts/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { Asides, Guarded, GuardOut, GuardRun, GuardStream } from '../text/parts.ts'
import { type CompiledRule, rulesAt } from './compile.ts'
import { Placeholders, redaction, replaceFindings } from './placeholders.ts'
import type { Judgement } from './rule.ts'
import { type Block, StreamWindow } from './stream-window.ts'
import { type Rewrite, rewriteAnswer, rewriteRequest } from './texts.ts'

const MAX_VERDICTS = 128

/** The rules of one version at work on one request, in the order in which they are written. */
export class RuleRun implements GuardRun {
  readonly verdicts: GuardrailVerdict[] = []
  readonly placeholders = new Placeholders()
  readonly #rules: readonly CompiledRule[]
  readonly #clock: Clock
  readonly #asides: Asides | undefined
  readonly #left = new AbortController()

  constructor(rules: readonly CompiledRule[], clock: Clock, asides?: Asides) {
    this.#rules = rules
    this.#clock = clock
    this.#asides = asides
  }

  input(request: GenerateRequest): Guarded<GenerateRequest> | Promise<Guarded<GenerateRequest>> {
    return this.#through(request, ['input', 'retrieval', 'tool'], rewriteRequest)
  }

  output(answer: GenerateAnswer): Guarded<GenerateAnswer> | Promise<Guarded<GenerateAnswer>> {
    const outcome = this.#through(answer, ['output', 'stream', 'tool'], (value, at, rewrite) =>
      rewriteAnswer(value, at === 'tool' ? 'tool' : 'output', rewrite),
    )
    return outcome instanceof Promise ? outcome.then((each) => this.#restored(each)) : this.#restored(outcome)
  }

  stream(out: GuardOut): GuardStream {
    return new StreamWindow(this, rulesAt(this.#rules, 'output', 'stream'), rulesAt(this.#rules, 'tool'), out)
  }

  abandon(): void {
    this.#left.abort()
  }

  /** What a span rule finds in a text at a checkpoint: a block, or the text as it shall be. */
  spans(compiled: CompiledRule, at: Checkpoint, text: string): string | Block | undefined {
    const { action, config, rule } = compiled
    if (rule.kind !== 'spans') return undefined
    const startedMs = this.#clock.monotonicMs()
    const findings = rule.find(text)
    if (findings.length === 0) return undefined
    const labels = [...new Set(findings.map(({ label }) => label))].join(', ')
    const verdict = action === 'block' ? 'block' : 'redact'
    this.note(compiled, at, verdict, `found ${labels}`, this.#clock.monotonicMs() - startedMs)
    if (config.mode === 'shadow') return undefined
    if (action === 'block')
      return { verdict: 'block', rule: config.name, reason: `${config.name} found ${labels}` }
    return replaceFindings(
      text,
      findings,
      action === 'restore' && at !== 'output'
        ? (original, label) => this.placeholders.placeholderFor(original, label)
        : redaction,
    )
  }

  /** Asks a judging rule, within its time; what it does when it cannot say is in its `onError`. */
  async judge(compiled: CompiledRule, at: Checkpoint, text: string): Promise<string | Block | undefined> {
    const { config, rule } = compiled
    if (rule.kind !== 'judgement') return undefined
    const startedMs = this.#clock.monotonicMs()
    const took = () => this.#clock.monotonicMs() - startedMs
    let judgement: Judgement
    try {
      const signal = AbortSignal.any([this.#left.signal, AbortSignal.timeout(config.timeoutMs)])
      const asked = { checkpoint: at, text, asides: this.#asides }
      judgement = await withinSignal(Promise.resolve(rule.judge(asked, signal)), signal)
    } catch (error) {
      this.note(compiled, at, 'error', `it could not say: ${(error as Error).name}`, took())
      if (config.mode === 'shadow' || config.onError === 'open') return undefined
      return {
        verdict: 'block',
        rule: config.name,
        reason: `${config.name} could not be asked, and is closed then`,
      }
    }
    if (judgement.verdict === 'pass') return undefined
    this.note(compiled, at, judgement.verdict, judgement.reason, took())
    if (config.mode === 'shadow') return undefined
    if (judgement.verdict === 'redact') return judgement.text
    return { verdict: 'block', rule: config.name, reason: judgement.reason }
  }

  note(
    { config }: CompiledRule,
    at: Checkpoint,
    verdict: GuardrailVerdict['verdict'],
    reason: string,
    tookMs: number,
  ): void {
    if (this.verdicts.length >= MAX_VERDICTS) return
    this.verdicts.push({
      rule: config.name,
      checkpoint: at,
      mode: config.mode,
      verdict,
      reason: reason.slice(0, 300),
      tookMs,
    })
  }

  /** Rule by rule; stays synchronous as long as no rule has to be asked. */
  #through<T>(
    value: T,
    checkpoints: readonly Checkpoint[],
    rewriteAll: (value: T, at: Checkpoint, rewrite: Rewrite) => T,
  ): Guarded<T> | Promise<Guarded<T>> {
    let current = value
    const steps = this.#rules.flatMap((compiled) =>
      compiled.config.checkpoints.filter((at) => checkpoints.includes(at)).map((at) => ({ compiled, at })),
    )
    for (let index = 0; index < steps.length; index++) {
      const { at, compiled } = steps[index] as (typeof steps)[number]
      if (compiled.rule.kind === 'judgement') return this.#asking(current, steps.slice(index), rewriteAll)
      const outcome = this.#applySpans(current, compiled, at, rewriteAll)
      if ('block' in outcome) return outcome.block
      current = outcome.value
    }
    return { verdict: 'pass', value: current }
  }

  async #asking<T>(
    value: T,
    steps: readonly { compiled: CompiledRule; at: Checkpoint }[],
    rewriteAll: (value: T, at: Checkpoint, rewrite: Rewrite) => T,
  ): Promise<Guarded<T>> {
    let current = value
    for (const { at, compiled } of steps) {
      if (compiled.rule.kind === 'spans') {
        const outcome = this.#applySpans(current, compiled, at, rewriteAll)
        if ('block' in outcome) return outcome.block
        current = outcome.value
        continue
      }
      const texts: string[] = []
      rewriteAll(current, at, (text) => {
        texts.push(text)
        return undefined
      })
      const judged = new Map<string, string>()
      for (const text of new Set(texts)) {
        const outcome = await this.judge(compiled, at, text)
        if (typeof outcome === 'string') judged.set(text, outcome)
        else if (outcome !== undefined) return outcome
      }
      if (judged.size > 0) current = rewriteAll(current, at, (text) => judged.get(text))
    }
    return { verdict: 'pass', value: current }
  }

  #applySpans<T>(
    value: T,
    compiled: CompiledRule,
    at: Checkpoint,
    rewriteAll: (value: T, at: Checkpoint, rewrite: Rewrite) => T,
  ): { value: T } | { block: Block } {
    let block: Block | undefined
    const next = rewriteAll(value, at, (text) => {
      const outcome = block === undefined ? this.spans(compiled, at, text) : undefined
      if (outcome === undefined || typeof outcome === 'string') return outcome
      block = outcome
      return undefined
    })
    return block === undefined ? { value: next } : { block }
  }

  #restored(outcome: Guarded<GenerateAnswer>): Guarded<GenerateAnswer> {
    if (outcome.verdict === 'block' || this.placeholders.isEmpty) return outcome
    const restore = (text: string) => this.placeholders.restore(text)
    return {
      verdict: 'pass',
      value: rewriteAnswer(rewriteAnswer(outcome.value, 'output', restore), 'tool', restore),
    }
  }
}

/** A rule that does not heed its signal is not waited for. */
function withinSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason)
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
