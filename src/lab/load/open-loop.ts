import { type Clock, countInto, type Histogram } from '../../kernel/index.ts'
import { failureName, fatalReason } from '../client/failures.ts'
import type { GatewayClient, Outcome } from '../client/gateway-client.ts'
import { rounded } from '../judging.ts'
import { paceArrivals, type Timers } from './pace.ts'

/** One stretch of open-loop load on one version. Times in ms, from the intended start of each request. */
export interface OpenLoopRun {
  /** By arrival, those of the washout left out; null: no answer within the timeout, which is a censored value. */
  readonly latencyMs: (number | null)[]
  /** Failed requests by what went wrong: `timeout`, `status 502`. */
  readonly failures: Record<string, number>
  /** How late requests left the client, washout included. */
  readonly sendLag: Histogram
  /** Planned duration over the time that sending took; below 1 the client fell behind. */
  readonly achieved: number
  /** Requests that found all of the client's sockets taken. */
  readonly capped: number
  /** Means over answered requests, as their headers tell; null when they do not. */
  readonly queueMs: number | null
  readonly computeMs: number | null
}

export interface OpenLoopOptions {
  readonly client: GatewayClient
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly version: string
  readonly offsetsMs: Float64Array
  readonly body: (arrival: number) => Uint8Array
  /** Arrivals before this are sent but not counted. */
  readonly washoutMs: number
  readonly timeoutMs: number
  readonly spinMs: number
  readonly connections: number
  readonly timers?: Timers
}

/**
 * Sends each request at its intended time, whatever became of the others, and measures from that time, so a stall of
 * the server is felt by every request that should have been sent during it (coordinated omission, Tene 2013).
 * Rejects with the reason when a request shows that going on is senseless.
 */
export async function openLoop(options: OpenLoopOptions): Promise<OpenLoopRun> {
  const { client, clock, signal, offsetsMs, washoutMs } = options
  const tally = newTally(offsetsMs.length)
  let pending = 0
  let fatal: string | undefined
  let wake: () => void = () => {}
  const stop = new AbortController()
  const startedMs = clock.monotonicMs()
  let lastSentMs = startedMs
  const due = (index: number, intendedMs: number) => {
    const sentMs = clock.monotonicMs()
    lastSentMs = sentMs
    countInto(tally.sendLag, sentMs - intendedMs)
    if (pending >= options.connections) tally.capped++
    pending++
    client.send(options.body(index), (outcome) => {
      pending--
      fatal ??= fatalReason(outcome, options.version)
      if (fatal !== undefined) stop.abort(new Error(fatal))
      record(tally, index, outcome, clock.monotonicMs() - intendedMs, options.timeoutMs)
      if (pending === 0) wake()
    })
  }
  await paceArrivals({
    offsetsMs,
    spinMs: options.spinMs,
    clock,
    signal: AbortSignal.any([signal, stop.signal]),
    due,
    ...(options.timers === undefined ? {} : { timers: options.timers }),
  }).catch((error: unknown) => {
    throw signal.aborted ? signal.reason : error
  })
  if (pending > 0) {
    const drained = new Promise<void>((resolve) => {
      wake = resolve
    })
    await Promise.race([
      drained,
      clock.sleep(options.timeoutMs, AbortSignal.any([signal, stop.signal])),
    ]).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : fatal !== undefined ? new Error(fatal) : error
    })
  }
  if (fatal !== undefined) throw new Error(fatal)
  const plannedMs = offsetsMs.at(-1) ?? 0
  return finish(
    tally,
    offsetsMs.findIndex((offset) => offset >= washoutMs),
    plannedMs / Math.max(plannedMs, lastSentMs - startedMs),
  )
}

interface Tally {
  readonly latencyMs: (number | null)[]
  readonly outcomes: (string | null)[]
  readonly sendLag: Histogram
  capped: number
  queueSumMs: number
  queueCount: number
  computeSumMs: number
  computeCount: number
}

function newTally(arrivals: number): Tally {
  return {
    latencyMs: new Array<null>(arrivals).fill(null),
    // What is still out when the wait ends counts as a timeout.
    outcomes: new Array<string>(arrivals).fill('timeout'),
    sendLag: {},
    capped: 0,
    queueSumMs: 0,
    queueCount: 0,
    computeSumMs: 0,
    computeCount: 0,
  }
}

function record(tally: Tally, index: number, outcome: Outcome, latencyMs: number, timeoutMs: number): void {
  if (outcome.kind !== 'answered') {
    tally.outcomes[index] = failureName(outcome)
    return
  }
  if (latencyMs > timeoutMs) return
  tally.outcomes[index] = null
  tally.latencyMs[index] = rounded(latencyMs, 3)
  if (outcome.queueMs !== null) {
    tally.queueSumMs += outcome.queueMs
    tally.queueCount++
  }
  if (outcome.computeMs !== null) {
    tally.computeSumMs += outcome.computeMs
    tally.computeCount++
  }
}

function finish(tally: Tally, firstCounted: number, achieved: number): OpenLoopRun {
  const failures: Record<string, number> = {}
  const from = firstCounted === -1 ? tally.latencyMs.length : firstCounted
  for (const outcome of tally.outcomes.slice(from)) {
    if (outcome !== null) failures[outcome] = (failures[outcome] ?? 0) + 1
  }
  return {
    latencyMs: tally.latencyMs.slice(from),
    failures,
    sendLag: { ...tally.sendLag },
    achieved: rounded(achieved, 4),
    capped: tally.capped,
    queueMs: tally.queueCount === 0 ? null : rounded(tally.queueSumMs / tally.queueCount, 3),
    computeMs: tally.computeCount === 0 ? null : rounded(tally.computeSumMs / tally.computeCount, 4),
  }
}
