const MIN_AUDITS = 30
const Z_95_ONE_SIDED = 1.6449

/**
 * Whether a semantic cache may go on: a share of its hits is asked again for real, and a hit whose answer differs is a
 * false one. It stops when the true rate is above the limit with 95 % confidence (Wilson's lower bound), and when after
 * `MIN_AUDITS` it is above it at face value; a limit of zero stops at the first false hit.
 */
export class FalseHits {
  readonly #maxRate: number
  audits = 0
  falseHits = 0

  constructor(maxRate: number) {
    this.#maxRate = maxRate
  }

  audited(isFalse: boolean): void {
    this.audits++
    if (isFalse) this.falseHits++
  }

  get isTrusted(): boolean {
    if (this.falseHits === 0) return true
    if (wilsonLower(this.falseHits, this.audits) > this.#maxRate) return false
    return this.audits < MIN_AUDITS || this.falseHits / this.audits <= this.#maxRate
  }
}

/** Wilson (1927), the lower bound of a share. */
function wilsonLower(events: number, trials: number): number {
  const z2 = Z_95_ONE_SIDED ** 2
  const share = events / trials
  const centre = share + z2 / (2 * trials)
  const spread = Z_95_ONE_SIDED * Math.sqrt((share * (1 - share)) / trials + z2 / (4 * trials * trials))
  return Math.max(0, (centre - spread) / (1 + z2 / trials))
}
