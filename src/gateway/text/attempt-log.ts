import type { CostRow, TextAttempt, TokenUsage } from '../../contracts/index.ts'
import type { TextOutcome } from '../../providers/index.ts'
import type { Pricer } from './parts.ts'
import { addUsage, attemptsOf, NOTHING_USED, type TriedBy } from './use.ts'

/** The contract's bound on the attempts of a record. */
const MAX_ATTEMPTS = 32

/** Every try of one question with what it used and cost: each once, whoever answered in the end. */
export class AttemptLog {
  readonly attempts: TextAttempt[] = []
  readonly costs: CostRow[] = []
  /** Over all tries; nothing where none was billed. */
  usage: TokenUsage = NOTHING_USED

  tried(outcome: TextOutcome, by: TriedBy, pricer: Pricer): void {
    const attempts = attemptsOf(outcome, by, pricer)
    addTimes(attempts.at(-1), outcome)
    for (const attempt of attempts) {
      if (this.attempts.length < MAX_ATTEMPTS) this.attempts.push(attempt)
      if (attempt.usage !== undefined)
        this.usage = this.usage === NOTHING_USED ? attempt.usage : addUsage(this.usage, attempt.usage)
      if (attempt.cost !== undefined) this.costs.push(attempt.cost)
    }
  }

  /** Nobody could be asked: a try all the same, so that the record tells why the next rung was. */
  unasked(by: {
    rung: string
    version: string | null
    provider: string | null
    code: string
    tookMs: number
  }) {
    if (this.attempts.length < MAX_ATTEMPTS) this.attempts.push({ ...by, account: null, status: 0 })
  }
}

function addTimes(attempt: TextAttempt | undefined, { spent }: TextOutcome): void {
  if (attempt === undefined || spent === undefined) return
  attempt.queueMs = spent.queueUs / 1000
  attempt.prefillMs = spent.prefillUs / 1000
  attempt.decodeMs = spent.decodeUs / 1000
}
