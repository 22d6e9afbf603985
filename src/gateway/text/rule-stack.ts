import type {
  GenerateAnswer,
  GenerateEvent,
  GenerateRequest,
  GuardrailVerdict,
} from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { Guard, Guarded, GuardOut, GuardRun, GuardStream, TextSubject } from './parts.ts'

/** What rules are at work on: a subject whose request they may replace. */
interface Ruled extends TextSubject {
  replace(request: GenerateRequest): void
}

/**
 * The rules of the version that a request was meant for, and those of the version that a lower rung asks. The former hold
 * whoever answers, the latter come on top of them: their input is what the former let pass, and what they make of the
 * answer the former see. So no fallback is less guarded than what it stands in for.
 */
export class RuleStack {
  #own: GuardRun | undefined
  #rung: GuardRun | undefined
  /** As the own rules left it, once a rung may have changed it. */
  #passed: GenerateRequest | undefined
  readonly #left: GuardrailVerdict[] = []

  get isEmpty(): boolean {
    return this.#own === undefined && this.#rung === undefined
  }

  get verdicts(): readonly GuardrailVerdict[] {
    return [...(this.#own?.verdicts ?? []), ...this.#left, ...(this.#rung?.verdicts ?? [])]
  }

  begin(guard: Guard, subject: TextSubject): Guarded<GenerateRequest> | Promise<Guarded<GenerateRequest>> {
    this.#own = guard.begin(subject)
    return this.#own.input(subject.neutral())
  }

  /** Another rung is asked; `guard` undefined: it has no rules of its own. Throws or rejects with `guardrail_blocked`. */
  enter(guard: Guard | undefined, subject: Ruled): Promise<void> | undefined {
    this.#leave()
    if (guard === undefined && this.#passed === undefined) return undefined
    this.#passed ??= subject.neutral()
    subject.replace(this.#passed)
    if (guard === undefined) return undefined
    this.#rung = guard.begin(subject)
    const guarded = this.#rung.input(this.#passed)
    if (guarded instanceof Promise) return guarded.then((late) => passOn(late, subject))
    passOn(guarded, subject)
    return undefined
  }

  output(answer: GenerateAnswer): Guarded<GenerateAnswer> | Promise<Guarded<GenerateAnswer>> {
    const first = this.#rung?.output(answer) ?? { verdict: 'pass', value: answer }
    return first instanceof Promise ? first.then((late) => this.#then(late)) : this.#then(first)
  }

  stream(out: GuardOut): GuardStream {
    const pauses = new Pauses(out)
    const own = this.#own?.stream(pauses.gate((event) => out.event(event)))
    const onwards = own ?? { push: (event: GenerateEvent) => out.event(event) }
    return this.#rung?.stream(pauses.gate((event) => onwards.push(event))) ?? onwards
  }

  abandon(): void {
    this.#own?.abandon()
    this.#rung?.abandon()
  }

  #then(guarded: Guarded<GenerateAnswer>): Guarded<GenerateAnswer> | Promise<Guarded<GenerateAnswer>> {
    if (guarded.verdict === 'block' || this.#own === undefined) return guarded
    return this.#own.output(guarded.value)
  }

  #leave(): void {
    if (this.#rung === undefined) return
    this.#rung.abandon()
    this.#left.push(...this.#rung.verdicts)
    this.#rung = undefined
  }
}

export function blocked(rule: string, reason: string): SlipwayError {
  const text = reason.endsWith('.') ? reason.slice(0, -1) : reason
  return new SlipwayError('guardrail_blocked', { rule, reason: text === '' ? 'it does not pass' : text })
}

function passOn(guarded: Guarded<GenerateRequest>, subject: Ruled): void {
  if (guarded.verdict === 'block') throw blocked(guarded.rule, guarded.reason)
  subject.replace(guarded.value)
}

/** Two windows hold one upstream: it flows while neither is full. */
class Pauses {
  readonly #out: GuardOut
  #paused = 0

  constructor(out: GuardOut) {
    this.#out = out
  }

  gate(event: (event: GenerateEvent) => void): GuardOut {
    let isPaused = false
    return {
      event,
      pause: () => {
        if (isPaused) return
        isPaused = true
        if (++this.#paused === 1) this.#out.pause()
      },
      resume: () => {
        if (!isPaused) return
        isPaused = false
        if (--this.#paused === 0) this.#out.resume()
      },
    }
  }
}
