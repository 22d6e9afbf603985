/**
 * Who is served next, and who no longer waits?
 *
 * - A lower priority number goes first; within one, who came first. So that a stream of urgent work does not starve the
 *   rest, a request counts as one class more urgent for every `ageMs` it has waited.
 * - A request leaves at its deadline, whether or not anything is free, and at once when nobody wants it: neither costs
 *   any computing.
 * - The queue is bounded: what comes when it is full is refused, with an estimate of when to come back.
 */
export interface Waiting {
  /** 0 is served first. */
  readonly priority: number
  readonly arrivedMs: number
  /** Monotonic ms; Infinity for none. */
  readonly deadlineAtMs: number
  readonly isCancelled: boolean
}

export const AGE_MS = 10_000

/** In the order of service; cancelled and expired requests are in none. */
export function serviceOrder<Work extends Waiting>(
  waiting: readonly Work[],
  nowMs: number,
  ageMs = AGE_MS,
): Work[] {
  const rank = (work: Work) => work.priority - Math.floor((nowMs - work.arrivedMs) / ageMs)
  return waiting
    .filter((work) => !work.isCancelled && work.deadlineAtMs > nowMs)
    .map((work, place) => ({ work, place }))
    .sort(
      (left, right) =>
        rank(left.work) - rank(right.work) ||
        left.work.arrivedMs - right.work.arrivedMs ||
        left.place - right.place,
    )
    .map(({ work }) => work)
}

/** How long until a place in the queue is likely: a request's usual time, shared by the sequences. */
export function retryAfterMs(usualMs: number, sequences: number): number {
  return Math.min(60_000, Math.max(50, Math.ceil(usualMs / sequences)))
}
