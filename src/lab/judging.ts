import type { Axis, Evidence, Measurement } from '../contracts/index.ts'
import { type AxisVerdict, type Estimate, settlesAt, verdictOf } from '../stats/index.ts'

/** Six digits after the point: four of a percent. Finer ones are noise, and evidence stays readable. */
export function rounded(value: number, digits = 6): number {
  const factor = 10 ** digits
  // Halves go away from zero on both sides, so that swapping the versions mirrors every number; + 0 ends minus zero.
  return (Math.sign(value) * Math.round(Math.abs(value) * factor)) / factor + 0
}

/** A measure read off its interval. `interval` null: it could not be measured, which is inconclusive. */
export function measured(options: {
  readonly axis: Axis | null
  readonly measure: string
  readonly unit: 'pp' | 'ratio'
  readonly better: 'lower' | 'higher'
  /** In the unit of the measure; log ratios for `ratio`. */
  readonly interval: Estimate | null
  readonly confidence: number
  /** As the change states it: .1 is 10 %. */
  readonly margin: number
  readonly from: string
  /** Observations behind the interval, and how to say how many would settle it. */
  readonly n: number
  readonly needs: (observations: number | undefined) => string
}): Measurement {
  const { interval, margin, unit, better } = options
  const base = {
    axis: options.axis,
    measure: options.measure,
    unit,
    better,
    confidence: options.confidence,
    margin,
    from: options.from,
  }
  if (interval === null) {
    return {
      ...base,
      estimate: null,
      lower: null,
      upper: null,
      verdict: 'inconclusive',
      needs: options.needs(undefined),
    }
  }
  const difference = { ...interval, margin: unit === 'ratio' ? Math.log1p(margin) : margin, betterIs: better }
  const verdict: AxisVerdict = verdictOf(difference)
  const shown = (value: number) => rounded(unit === 'ratio' ? Math.expm1(value) : value)
  return {
    ...base,
    estimate: shown(interval.estimate),
    lower: shown(interval.lower),
    upper: shown(interval.upper),
    verdict,
    needs: verdict === 'inconclusive' ? options.needs(settlesAt(difference, options.n)) : null,
  }
}

/**
 * The status of a check from its measurements: inferior anywhere fails, inconclusive anywhere is inconclusive, and the
 * axis that is the goal of the change must be superior; not being worse there is not what was promised.
 */
export function statusOf(measurements: readonly Measurement[], goal: Axis): Evidence['status'] {
  if (measurements.some(({ verdict }) => verdict === 'inferior')) return 'fail'
  if (measurements.some(({ verdict }) => verdict === 'inconclusive')) return 'inconclusive'
  const goals = measurements.filter(({ axis }) => axis === goal)
  return goals.every(({ verdict }) => verdict === 'superior') ? 'pass' : 'inconclusive'
}

/** What a person has to be told when the goal was reached by none of the measures, though nothing is worse. */
export function goalNotes(measurements: readonly Measurement[], goal: Axis): string[] {
  return measurements.some(({ axis, verdict }) => axis === goal && verdict === 'non-inferior')
    ? [`not worse, but no gain shown, and the goal is ${goal}`]
    : []
}

/** `+13.9 pp [12.4, 15.3]` or `−1 % [−4, +3]`. */
export function intervalText(measurement: Measurement): string {
  const { estimate, lower, upper, unit } = measurement
  if (estimate === null || lower === null || upper === null) return 'not measured'
  const digits = unit === 'pp' ? 1 : Math.abs(upper - lower) < 0.02 ? 2 : 1
  const number = (value: number) => signed(value * 100, digits)
  return `${number(estimate)} ${unit === 'pp' ? 'pp' : '%'} [${number(lower)}, ${number(upper)}]`
}

export function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits)
  if (Number(text) === 0) return text
  return value < 0 ? `−${text}` : `+${text}`
}

export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`
}

export function grouped(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}
