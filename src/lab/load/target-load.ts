import type { Clock } from '../../kernel/index.ts'
import type { Ask, Exchange, Target } from '../target/target.ts'
import { type ExchangeRow, rowOf } from './exchange-row.ts'
import { paceArrivals, type Timers } from './pace.ts'

export interface LoadRun {
  /** By arrival. */
  readonly rows: ExchangeRow[]
  /** Planned over needed time of sending; below 1 the client fell behind. Closed loops promise no rate: 1. */
  readonly achieved: number
  readonly lastedMs: number
}

interface Common {
  readonly target: Target
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly ask: (index: number) => Ask
  /** Sees every exchange; throws where going on is senseless. */
  readonly inspect: (exchange: Exchange) => void
}

/** Sends each request at its time, whatever became of the others; late ones are sent at once and never skipped. */
export async function openLoad(
  options: Common & { readonly offsetsMs: Float64Array; readonly timers?: Timers; readonly spinMs: number },
): Promise<LoadRun> {
  const { target, clock, offsetsMs } = options
  const asks = Array.from(offsetsMs, (_, index) => options.ask(index))
  const rows: ExchangeRow[] = []
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const startedMs = clock.monotonicMs()
  let lastSentMs = startedMs
  let pending = 0
  let wake = () => {}
  // The plan starts when pacing does, which is before the first call and after `startedMs` by microseconds.
  await paceArrivals({
    offsetsMs,
    spinMs: options.spinMs,
    clock,
    signal,
    ...(options.timers === undefined ? {} : { timers: options.timers }),
    due: (index, intendedMs) => {
      lastSentMs = clock.monotonicMs()
      pending++
      target.send(asks[index]!, (exchange) => {
        pending--
        rows[index] = rowOf(asks[index]!.class, startedMs, intendedMs, exchange)
        try {
          options.inspect(exchange)
        } catch (error) {
          stop.abort(error)
        }
        if (pending === 0) wake()
      })
    },
  })
  // Each exchange ends by itself: its target has timeouts.
  if (pending > 0) await untilAborted(signal, (done) => (wake = done))
  signal.throwIfAborted()
  const plannedMs = offsetsMs.at(-1) ?? 0
  return {
    rows,
    achieved: plannedMs / Math.max(plannedMs, lastSentMs - startedMs, 1e-9) || 1,
    lastedMs: clock.monotonicMs() - startedMs,
  }
}

function untilAborted(signal: AbortSignal, start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    start(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
  })
}

/** `concurrency` callers that each send when theirs is answered, until both bounds are reached, or `mostMs`. */
export async function closedLoad(
  options: Common & {
    readonly concurrency: number
    readonly leastRequests: number
    readonly leastMs: number
    readonly mostMs: number
  },
): Promise<LoadRun> {
  const { target, clock, signal } = options
  const rows: ExchangeRow[] = []
  const startedMs = clock.monotonicMs()
  let sent = 0
  const isOver = () => {
    const elapsedMs = clock.monotonicMs() - startedMs
    return elapsedMs >= options.mostMs || (elapsedMs >= options.leastMs && sent >= options.leastRequests)
  }
  const caller = async () => {
    while (!isOver()) {
      signal.throwIfAborted()
      const ask = options.ask(sent)
      const index = sent++
      const intendedMs = clock.monotonicMs()
      const exchange = await new Promise<Exchange>((resolve) => target.send(ask, resolve))
      rows[index] = rowOf(ask.class, startedMs, intendedMs, exchange)
      options.inspect(exchange)
      // A target that refuses at once would otherwise be asked as fast as it can refuse.
      if (exchange.failure !== null) await clock.sleep(FAILURE_PAUSE_MS, signal)
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, caller))
  return { rows, achieved: 1, lastedMs: clock.monotonicMs() - startedMs }
}

const FAILURE_PAUSE_MS = 20
