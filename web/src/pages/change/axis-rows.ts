import type {
  Axis,
  AxisVerdict,
  Change,
  CheckName,
  CheckProgress,
  Evidence,
  Measurement,
} from '../../../../src/contracts/index.ts'

/** The order in which people read CLASS on this page: what is gained first, what it costs after. */
const AXES = ['accuracy', 'stability', 'latency', 'cost', 'security'] as const satisfies readonly Axis[]

const CHECK_OF_AXIS: Partial<Record<Axis, CheckName>> = {
  accuracy: 'accuracy',
  stability: 'stability',
  latency: 'latency',
  cost: 'cost',
}

const FROM_WORST: readonly AxisVerdict[] = ['inferior', 'inconclusive', 'non-inferior', 'superior']

export interface AxisRow {
  readonly axis: Axis
  /** Null: nothing was measured, yet or at all. */
  readonly measurement: Measurement | null
  readonly evidence: Evidence | undefined
  /** Of its check, while there is no evidence. */
  readonly progress: CheckProgress | undefined
}

/** Five rows, always: the verdict's where there is one, else what is measured so far. */
export function axisRows(change: Change, evidence: readonly Evidence[]): AxisRow[] {
  return AXES.map((axis) => {
    const told = change.verdict?.table.find((row) => row.axis === axis)
    const found = told ?? decidingOn(axis, evidence)
    const isMeasured = found !== undefined && found.from !== 'not measured'
    return {
      axis,
      measurement: isMeasured ? found : null,
      evidence: evidence.find((one) => one.measurements.some((measurement) => measurement.axis === axis)),
      progress: change.checks.find(({ check }) => check === CHECK_OF_AXIS[axis]),
    }
  })
}

/** The worst of an axis decides, as in the verdict. */
function decidingOn(axis: Axis, evidence: readonly Evidence[]): Measurement | undefined {
  const found = evidence.flatMap(({ measurements }) => measurements).filter((one) => one.axis === axis)
  return FROM_WORST.map((verdict) => found.find((one) => one.verdict === verdict)).find(
    (one) => one !== undefined,
  )
}

/** Said in place of an estimate that is not there. */
export function absentWords({ progress }: AxisRow): string {
  switch (progress?.status) {
    case 'running':
      return 'measuring'
    case 'waiting':
      return 'waiting'
    default:
      return 'not measured'
  }
}
