import type { Measurement } from '../contracts/index.ts'

const MINUS = '−'

/** "+13.9 pp [12.4, 15.3]" or "−1 % [−4, +3]": the estimate with its interval, signs always shown on the estimate. */
export function withInterval(measurement: Measurement): string {
  const { estimate, lower, upper, unit } = measurement
  if (estimate === null) return '–'
  const digits = digitsFor(lower, upper, unit)
  const unitName = unit === 'pp' ? ' pp' : unit === 'ratio' ? ' %' : ''
  const interval =
    lower === null || upper === null
      ? ''
      : ` [${scaled(lower, unit, digits)}, ${scaled(upper, unit, digits)}]`
  return `${signed(scaled(estimate, unit, digits))}${unitName}${interval}`
}

function scaled(value: number, unit: Measurement['unit'], digits: number): string {
  const text = (unit === 'count' ? value : value * 100).toFixed(digits)
  return (Number(text) === 0 ? text.replace('-', '') : text).replace('-', MINUS)
}

function signed(text: string): string {
  return text.startsWith(MINUS) || Number(text) === 0 ? text : `+${text}`
}

/** Enough digits to tell the ends of the interval apart, no more than two. */
function digitsFor(lower: number | null, upper: number | null, unit: Measurement['unit']): number {
  const span = Math.abs((upper ?? 0) - (lower ?? 0)) * (unit === 'count' ? 1 : 100)
  return span >= 20 ? 0 : span >= 0.5 ? 1 : 2
}
