/** One request of a steady load around a fault; times on one monotonic clock, in ms. */
export interface LoadedRequest {
  readonly sentMs: number
  readonly endMs: number
  readonly isGood: boolean
}

export interface RecoveryBounds {
  /** From the fault until good again. */
  readonly recoverWithinMs: number
  /** Share of the requests after the fault that may be lost. */
  readonly mostLostShare: number
}

export interface Recovery {
  readonly status: 'pass' | 'fail' | 'invalid'
  readonly summary: string
  readonly sent: number
  readonly lost: number
  /** From the fault until the first of the last unbroken run of good answers was sent; null: not good in the end. */
  readonly recoveredMs: number | null
}

/**
 * What a fault cost. Good again: every request from then on was answered, and at least `STEADY` were. A load that was not
 * good before the fault proves nothing. Pure.
 */
export function judgeRecovery(
  requests: readonly LoadedRequest[],
  faultMs: number,
  bounds: RecoveryBounds,
): Recovery {
  // In flight at the fault counts as after it: that is what a fault loses first.
  const before = requests.filter(({ endMs }) => endMs < faultMs)
  const after = requests
    .filter(({ endMs }) => endMs >= faultMs)
    .toSorted((one, other) => one.sentMs - other.sentMs)
  const lost = after.filter(({ isGood }) => !isGood).length
  const base = { sent: after.length, lost, recoveredMs: null }
  if (before.length === 0 || before.some(({ isGood }) => !isGood))
    return { ...base, status: 'invalid', summary: 'The load was not answered before the fault.' }
  const lastBad = after.findLastIndex(({ isGood }) => !isGood)
  const steady = after.slice(lastBad + 1)
  if (steady.length < STEADY)
    return {
      ...base,
      status: 'fail',
      summary: `${lost} of ${after.length} requests were lost, and it was not good again in the end.`,
    }
  const recoveredMs = lastBad < 0 ? 0 : Math.max(0, steady[0]!.sentMs - faultMs)
  const isInTime = recoveredMs <= bounds.recoverWithinMs
  const isWhole = lost <= bounds.mostLostShare * after.length
  return {
    ...base,
    recoveredMs,
    status: isInTime && isWhole ? 'pass' : 'fail',
    summary: `${lost} of ${after.length} requests were lost (at most ${percent(bounds.mostLostShare)}), good again after ${Math.round(recoveredMs)} ms (at most ${bounds.recoverWithinMs} ms).`,
  }
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`
}

/** Good answers in a row that show it is over. */
const STEADY = 10
