import type {
  Change,
  CheckProgress,
  Evidence,
  Measurement,
  Rollout,
  RolloutLook,
} from '../contracts/index.ts'
import { withInterval } from './numbers.ts'
import { count, seconds, styled, table } from './output.ts'

const MARKS = {
  pass: ['green', '✔'],
  fail: ['red', '✘'],
  inconclusive: ['yellow', '?'],
  invalid: ['yellow', '!'],
} as const

/** One line for a finished check: mark, name, and its own one-line summary. */
export function checkLine(evidence: Evidence): string {
  const [color, mark] = MARKS[evidence.status]
  return `    ${evidence.check.padEnd(14)} ${styled(color, mark)} ${evidence.summary}`
}

/** The line that is redrawn while a check runs. */
export function progressLine(progress: CheckProgress): string {
  const share = progress.total > 0 ? Math.min(1, progress.done / progress.total) : 0
  const bar = '█'.repeat(Math.round(share * 12)).padEnd(12, '░')
  const eta = progress.etaMs === null ? '' : `  ${seconds(progress.etaMs)} left`
  return `    ${progress.check.padEnd(14)} ${bar} ${count(progress.done)}/${count(progress.total)} ${progress.unit}${eta}`
}

export function lookLine(look: RolloutLook, rollout: Rollout): string {
  const steps = rollout.plan.steps
    .map((step, index) => (index === look.step ? `[${step} %]` : `${step} %`))
    .join(' ─ ')
  const needs =
    look.needsRequests === null || look.needsRequests <= 0
      ? ''
      : `  needs ≈ ${count(Math.ceil(look.needsRequests))} more${look.needsMs === null ? '' : `, ${seconds(look.needsMs)}`}`
  const counted = look.guards[0]
  return `    canary         ${steps}   ${counted === undefined ? '' : `${count(counted.candidate.requests)} requests`}${needs}`
}

/** The CLASS table, five rows, security too although nothing measured it yet. */
export function classTable(measurements: readonly Measurement[]): string[] {
  const rows = measurements.map((measurement) => [
    styled('bold', capital(measurement.axis ?? '')),
    measurement.measure,
    withInterval(measurement),
    measurement.estimate === null
      ? '–'
      : `${measurement.better === 'lower' ? '+' : '−'}${trimmed(measurement.margin * 100)} ${measurement.unit === 'pp' ? 'pp' : '%'}`,
    verdictWord(measurement),
    measurement.from,
  ])
  return table(['Axis', 'Measure', 'Candidate − champion, 95 %', 'Margin', 'Verdict', 'From'], rows)
}

function trimmed(value: number): string {
  return String(Number(value.toFixed(2)))
}

export function verdictWord(measurement: Measurement): string {
  switch (measurement.verdict) {
    case 'superior':
      return styled('green', 'superior')
    case 'inferior':
      return styled('red', 'inferior')
    case 'inconclusive':
      return styled('yellow', measurement.estimate === null ? 'not measured' : 'inconclusive')
    default:
      return measurement.verdict
  }
}

/** How a change ended, as the exit code of the command that waited for it. */
export function exitCodeOf(change: Change): number {
  switch (change.state) {
    case 'live':
    case 'watched':
    case 'done':
      return 0
    case 'inconclusive':
    case 'sign-off':
      return 2
    case 'blocked':
    case 'rolled-back':
    case 'withdrawn':
      return 1
    default:
      return 2
  }
}

export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
