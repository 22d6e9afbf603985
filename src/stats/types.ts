/** A number with its two-sided interval, all in the unit of the number. */
export interface Estimate {
  readonly estimate: number
  readonly lower: number
  readonly upper: number
}

/** `successes` out of `n` independent trials. */
export interface Proportion {
  readonly successes: number
  readonly n: number
}

/** A source of uniform numbers in [0, 1). Seeded by whoever passes it in, so that a result can be recomputed. */
export type Random = () => number
