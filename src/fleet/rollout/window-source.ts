import type { TrafficWindow } from '../../contracts/index.ts'

/** What the judge is told about traffic; only requests that were dealt by the split are in it. */
export interface WindowSource {
  /**
   * One-second windows by start; `fromMs` inclusive, `toMs` exclusive. A second without requests may be left out.
   * What a gateway could not deliver in time is added to its second when it arrives.
   */
  windows(query: {
    model: string
    versions: string[]
    fromMs: number
    toMs: number
  }): Promise<TrafficWindow[]>
  /** Requests per second of the model over the last minute. */
  recentRate(model: string): number | Promise<number>
}

/** A second is read when it ended so long ago: gateways post every few hundred milliseconds. */
export const SETTLE_MS = 2_000

/** End of the newest second that is settled. */
export function settledUntil(nowMs: number): number {
  return Math.floor((nowMs - SETTLE_MS) / 1000) * 1000
}
