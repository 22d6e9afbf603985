import type { Axis, Measurement } from '../../../src/contracts/index.ts'
import { grouped } from './numbers.ts'

/** `+13.9 pp`: the estimate, its sign always shown; undefined when it was not measured. */
export function estimateText(measurement: Measurement): string | undefined {
  const { estimate } = measurement
  if (estimate === null) return undefined
  const text = scaled(estimate, measurement)
  return `${text.startsWith('−') || Number(text) === 0 ? text : `+${text}`}${unitOf(measurement)}`
}

/** `[12.4, 15.3]`. */
export function intervalText(measurement: Measurement): string {
  const { lower, upper } = measurement
  return lower === null || upper === null
    ? ''
    : `[${scaled(lower, measurement)}, ${scaled(upper, measurement)}]`
}

/** "margin 1 pp". */
export function marginText(measurement: Measurement): string {
  const margin = measurement.unit === 'count' ? measurement.margin : measurement.margin * 100
  return `${Number(margin.toFixed(2))}${unitOf(measurement)}`
}

/** "not measured" is said of what nothing looked at; otherwise the verdict is its own word. */
export function verdictWord(measurement: Measurement): string {
  return measurement.estimate === null && measurement.from === 'not measured'
    ? 'not measured'
    : measurement.verdict
}

export function axisTitle(axis: Axis | null): string {
  return axis === null ? 'Beside the axes' : axis.charAt(0).toUpperCase() + axis.slice(1)
}

/** `sha256:6b1e…c02f` as `6b1e…c02f`. */
export function shortHash(digest: string): string {
  const hex = digest.replace(/^sha256:/, '')
  return hex.length <= 9 ? hex : `${hex.slice(0, 4)}…${hex.slice(-4)}`
}

/** The verdict's first words are shouted in terminals; a heading says them calmly. */
export function calmSentence(sentence: string): string {
  return sentence
    .replace(/^[A-Z]{2}[A-Z ]*(?=:)/, (shout) => shout.charAt(0) + shout.slice(1).toLowerCase())
    .replace(/\.\.+$/, '.')
}

function scaled(value: number, { unit, lower, upper }: Measurement): string {
  if (unit === 'count') return grouped(value)
  const span = Math.abs((upper ?? 0) - (lower ?? 0)) * 100
  const text = (value * 100).toFixed(span >= 20 ? 0 : span >= 0.5 ? 1 : 2)
  return (Number(text) === 0 ? text.replace('-', '') : text).replace('-', '−')
}

function unitOf({ unit }: Measurement): string {
  return unit === 'pp' ? ' pp' : unit === 'ratio' ? ' %' : ''
}
