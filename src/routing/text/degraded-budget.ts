/** Answers that a month is granted before it has any, so that a failure on its first morning may fall back too. */
const GRANTED_ANSWERS = 1000

/**
 * How many answers of a calendar month (UTC) may come from below the primary: never more than
 * share × (answers + 1,000). Counted by each gateway for itself, so n gateways together stay below
 * share × (answers + 1,000·n); a gateway that starts again begins its month anew.
 */
export class DegradedBudget {
  readonly #share: number
  #month = -1
  #answers = 0
  #degraded = 0

  constructor(share: number) {
    this.#share = share
  }

  /** One more answer from below is within the budget. */
  allows(nowMs: number): boolean {
    this.#turn(nowMs)
    return this.#degraded + 1 <= this.#share * (this.#answers + GRANTED_ANSWERS)
  }

  answered(isDegraded: boolean, nowMs: number): void {
    this.#turn(nowMs)
    this.#answers++
    if (isDegraded) this.#degraded++
  }

  used(nowMs: number): { answers: number; degraded: number; share: number } {
    this.#turn(nowMs)
    return {
      answers: this.#answers,
      degraded: this.#degraded,
      share: this.#answers === 0 ? 0 : this.#degraded / this.#answers,
    }
  }

  #turn(nowMs: number): void {
    const now = new Date(nowMs)
    const month = now.getUTCFullYear() * 12 + now.getUTCMonth()
    if (month === this.#month) return
    this.#month = month
    this.#answers = 0
    this.#degraded = 0
  }
}
