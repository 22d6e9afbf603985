export interface DataPathNeeds {
  /** Of one stored record, measured. */
  readonly bytesPerRecord: number
  /** What is forecast. */
  readonly requestsPerDay: number
  /** Rate of the busiest hour over the day's mean. */
  readonly peakOverMean: number
  readonly retentionDays: number
  /** Records a second that the store takes, measured; null: not measured, so no lag is told. */
  readonly drainPerSecond: number | null
}

export interface DataPathRow {
  /** Of the forecast. */
  readonly times: number
  readonly peakPerSecond: number
  readonly bytesPerDay: number
  /** All partitions within retention; from then on it stays. */
  readonly keptBytes: number
  /** Oldest record that waits at the end of a busiest hour, in seconds; null: not measured. */
  readonly lagSeconds: number | null
}

/**
 * Volume and lag at 1, 2 and 10 times the forecast, by calculation: a queue that takes in λ and gives out μ for an hour
 * holds (λ − μ) · 3,600 records, and its newest waits for all of them. Below μ it does not grow.
 */
export function dataPath(needs: DataPathNeeds): DataPathRow[] {
  return [1, 2, 10].map((times) => {
    const perDay = needs.requestsPerDay * times
    const peakPerSecond = (perDay / 86_400) * needs.peakOverMean
    const bytesPerDay = perDay * needs.bytesPerRecord
    const { drainPerSecond } = needs
    return {
      times,
      peakPerSecond,
      bytesPerDay,
      keptBytes: bytesPerDay * needs.retentionDays,
      lagSeconds:
        drainPerSecond === null
          ? null
          : (Math.max(0, peakPerSecond - drainPerSecond) * 3600) / drainPerSecond,
    }
  })
}
