import type { Axis, AxisVerdict, Measurement } from '../contracts/index.ts'

/** `+13.9 pp [12.4, 15.3]`, `−1 % [−4, +3]`: estimate and interval of a measurement, in its unit. */
export function intervalOf(measurement: Measurement): string {
  const { estimate, lower, upper } = measurement
  if (estimate === null) return 'not measured'
  const number = `${signed(estimate, measurement)}${unitOf(measurement)}`
  return lower === null || upper === null ? number : `${number} ${bounds(measurement)}`
}

export function bounds(measurement: Measurement): string {
  const { lower, upper } = measurement
  if (lower === null || upper === null) return ''
  // Two gains need no sign; as soon as one is a loss, both carry theirs.
  const plain = lower > 0 && upper > 0
  const number = (value: number) => (plain ? size(value, measurement) : signed(value, measurement))
  return `[${number(lower)}, ${number(upper)}]`
}

/** The size of the estimate for a sentence: `13.9 points`, `12 %`. */
export function amountOf(measurement: Measurement): string {
  const amount = size(measurement.estimate ?? 0, measurement)
  if (measurement.unit === 'pp') return `${amount} ${amount === '1.0' ? 'point' : 'points'}`
  return measurement.unit === 'ratio' ? `${amount} %` : amount
}

/** "more accurate by 13.9 points", "12 % slower": what the estimate says, good or bad. */
export function effectOf(measurement: Measurement): string {
  const [good, bad] = EFFECTS[measurement.axis ?? 'accuracy']
  const isBetter = (measurement.estimate ?? 0) > 0 === (measurement.better === 'higher')
  return isBetter ? `${good} by ${amountOf(measurement)}` : `${amountOf(measurement)} ${bad}`
}

const EFFECTS: Record<Axis, readonly [good: string, bad: string]> = {
  accuracy: ['more accurate', 'less accurate'],
  stability: ['steadier', 'less steady'],
  latency: ['faster', 'slower'],
  cost: ['cheaper', 'dearer'],
  security: ['safer', 'less safe'],
}

/** From worst to best. */
export const VERDICTS_FROM_WORST: readonly AxisVerdict[] = [
  'inferior',
  'inconclusive',
  'non-inferior',
  'superior',
]

/** `2026-12-24 18:00 UTC`. */
export function dateOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

export function grouped(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** "a", "a and b", "a, b and c". */
export function listed(words: readonly string[]): string {
  if (words.length <= 1) return words.join('')
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

/** `1 %`, `0.25 %`. */
export function sharePercent(share: number): string {
  return `${Number(share.toFixed(2))} %`
}

function unitOf({ unit }: Measurement): string {
  return unit === 'pp' ? ' pp' : unit === 'ratio' ? ' %' : ''
}

/** One digit for points; none for percents that are settled to more than one, one for finer. */
function size(value: number, { unit, lower, upper }: Measurement): string {
  if (unit === 'count') return grouped(Math.abs(value))
  const scaled = Math.abs(value) * 100
  const isCoarse = unit === 'ratio' && lower !== null && upper !== null && upper - lower >= 0.02
  return scaled.toFixed(isCoarse ? 0 : 1)
}

function signed(value: number, measurement: Measurement): string {
  const text = size(value, measurement)
  if (Number(text.replaceAll(',', '')) === 0) return text
  return value < 0 ? `−${text}` : `+${text}`
}
