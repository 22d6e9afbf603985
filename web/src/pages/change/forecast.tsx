import type { StepForecast } from '../../../../src/contracts/index.ts'
import { duration, percent, perSecond, sharePercent } from '../../format/numbers.ts'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { guardNames } from './guard-words.ts'

/** Said before the start: what each step can find out, and how long an equal candidate takes. */
export function Forecast({ forecast }: { forecast: readonly StepForecast[] }) {
  if (forecast.length === 0) return null
  return (
    <details className="forecast">
      <summary>What each step can detect</summary>
      <DataTable
        columns={COLUMNS}
        rows={forecast}
        keyOf={({ sharePercent: share, guard }) => `${share} ${guard}`}
      />
      <p className="mute">
        At {perSecond(forecast[0]!.requestsPerSecond)} requests a second, as forecast at the start. A rise is
        found every other time within that time.
      </p>
    </details>
  )
}

const COLUMNS: readonly Column<StepForecast>[] = [
  { head: 'Step', className: 'nowrap', cell: (step) => sharePercent(step.sharePercent) },
  { head: 'Guard', cell: ({ guard }) => guardNames[guard] },
  {
    head: 'Finds a rise of',
    className: 'nowrap',
    cell: ({ detectableRise, withinMs }) =>
      detectableRise === null
        ? 'nothing'
        : `${percent(detectableRise).replace('%', 'pp')} in ${duration(withinMs)}`,
  },
  {
    head: 'Equal is promoted in',
    className: 'nowrap',
    cell: ({ promoteMs }) => (promoteMs === null ? 'never, alone' : duration(promoteMs)),
  },
]
