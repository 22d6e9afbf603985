import type { LeaseAsk, LeaseLaw } from '../../contracts/index.ts'

/** A session that is silent for so long is forgotten, and with it what it could have given back. */
export const SESSION_MS = 120_000
/** After a refusal nobody is given more than what waits, and holders give back what they do not need. */
export const SCARCE_MS = 2000
/** Of a lease's time, by the clock of the gateway: the clocks' rates may differ by 1 % each without a lease being overrun. */
export const LEASE_SAFETY = 0.98

/** Long leases make fewer messages, and more that is held where nobody uses it. */
export function leaseMsOf(law: LeaseLaw): number {
  if (law.kind === 'calendar') return 60_000
  if (law.kind === 'places') return 10_000
  return Math.max(500, law.periodMs / 12)
}

/** GCRA (ITU-T I.371): a unit fills again in `intervalMs`, and `burstMs` worth of them may come at once. */
export function rateOf({ limit, periodMs }: { limit: number; periodMs: number }): {
  intervalMs: number
  burstMs: number
} {
  const intervalMs = periodMs / limit
  return { intervalMs, burstMs: Math.max(periodMs, intervalMs) }
}

/**
 * All that waits if it is there, and of what remains at most half for later, so that the first to come does not get
 * everything; nothing where not even the first in line could go.
 */
export function grantOf(
  available: number,
  { first, need, spare }: Pick<LeaseAsk, 'first' | 'need' | 'spare'>,
  isScarce: boolean,
): number {
  if (available < first) return 0
  const needed = Math.min(available, need)
  return isScarce ? needed : needed + Math.min(spare, Math.floor((available - needed) / 2))
}

export function calendarSpan(span: 'day' | 'month', nowMs: number): { startMs: number; endMs: number } {
  const now = new Date(nowMs)
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
  return span === 'day'
    ? { startMs: Date.UTC(year, month, day), endMs: Date.UTC(year, month, day + 1) }
    : { startMs: Date.UTC(year, month, 1), endMs: Date.UTC(year, month + 1, 1) }
}
