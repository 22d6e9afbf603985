import type { Measurement } from '../../../src/contracts/index.ts'
import { estimateText, intervalText, marginText, verdictWord } from '../format/measurements.ts'
import { intervalGeometry } from './interval.ts'

/** A dot with its interval against the margin; better is left, whatever the measure. */
export function IntervalBar({ measurement }: { measurement: Measurement }) {
  const drawn = intervalGeometry(measurement)
  if (drawn === null) return <NoInterval />
  const x = (value: number) => 200 + value * 190
  const says = `${estimateText(measurement)} ${intervalText(measurement)}, margin ${marginText(measurement)}, ${verdictWord(measurement)}`
  return (
    <svg className={`interval ${measurement.verdict}`} viewBox="0 0 400 24" role="img" aria-label={says}>
      <title>{says}</title>
      <rect x="10" y="2" width="190" height="20" rx="3" className="better" />
      <line x1="200" x2="200" y1="2" y2="22" className="zero" />
      <line x1={x(drawn.margin)} x2={x(drawn.margin)} y1="1" y2="23" className="margin" />
      <line x1={x(drawn.low)} x2={x(drawn.high)} y1="12" y2="12" className="range" />
      <line x1={x(drawn.low)} x2={x(drawn.low)} y1="8" y2="16" className="end" />
      <line x1={x(drawn.high)} x2={x(drawn.high)} y1="8" y2="16" className="end" />
      <circle cx={x(drawn.point)} cy="12" r="4.5" className="point" />
    </svg>
  )
}

/** An axis that was not measured is drawn too: it must not look as if it were not there. */
export function NoInterval() {
  return (
    <svg className="interval" viewBox="0 0 400 24" role="img" aria-label="not measured">
      <line x1="200" x2="200" y1="2" y2="22" className="zero" />
      <line x1="10" x2="390" y1="12" y2="12" className="unmeasured" />
    </svg>
  )
}
