import { csvOf } from '../../charts/scale.ts'
import type { AxisRow } from './axis-rows.ts'

export function classCsv(rows: readonly AxisRow[]): string {
  return csvOf(
    [
      'axis',
      'measure',
      'unit',
      'better',
      'estimate',
      'lower',
      'upper',
      'confidence',
      'margin',
      'verdict',
      'from',
    ],
    rows.map(({ axis, measurement }) =>
      measurement === null
        ? [axis, null, null, null, null, null, null, null, null, 'not measured', null]
        : [
            axis,
            measurement.measure,
            measurement.unit,
            measurement.better,
            measurement.estimate,
            measurement.lower,
            measurement.upper,
            measurement.confidence,
            measurement.margin,
            measurement.verdict,
            measurement.from,
          ],
    ),
  )
}
