import { headerNames } from '../../contracts/index.ts'
import { type Clock, seededRandom } from '../../kernel/index.ts'
import { failureName } from '../client/failures.ts'
import { createGatewayClient, type GatewayTarget, type Outcome } from '../client/gateway-client.ts'

type Row = Record<string, unknown>

export interface TrafficOptions extends GatewayTarget {
  /** Read without end: when it is done the traffic is. Rows with a text get a `Message-Id` line, so no two are equal. */
  readonly rows: Iterator<Row>
  readonly ratePerSecond: number
  readonly clock: Clock
  readonly seed?: number
  /** The units that requests are made by, in turn. */
  readonly users?: number
  readonly mostInFlight?: number
  readonly timeoutMs?: number
}

export interface TrafficCounts {
  readonly sent: number
  readonly answered: number
  /** By what went wrong: `status 503`, `unreachable`. */
  readonly failed: Readonly<Record<string, number>>
  /** Due while too many were in flight, so never sent. */
  readonly dropped: number
  readonly inFlight: number
  /** Answered requests by the version that answered. */
  readonly byVersion: Readonly<Record<string, number>>
}

export interface Traffic {
  setRate(ratePerSecond: number): void
  counts(): TrafficCounts
  /** Sends nothing more, waits for what is in flight as long as the timeout, and tells the final counts. */
  stop(): Promise<TrafficCounts>
}

/** Arrivals due within one tick leave together; live traffic needs its rate, not microseconds. */
const TICK_MS = 2
/** After a stall so much is caught up on; older arrivals count as dropped. */
const MOST_BEHIND_MS = 1000

/** Open-loop Poisson traffic of many users until stopped: arrivals do not wait for answers. */
export function startTraffic(options: TrafficOptions): Traffic {
  const { rows, clock, users = 20_000, mostInFlight = 1000, timeoutMs = 10_000 } = options
  const client = createGatewayClient({ ...options, timeoutMs, connections: 128, keepBodies: false })
  const random = seededRandom(options.seed ?? 1)
  const counts = newCounts()
  const bodyOf = bodies()
  let rate = options.ratePerSecond
  let isStopped = false
  const gapMs = () => (rate > 0 ? (-Math.log1p(-random()) / rate) * 1000 : Number.POSITIVE_INFINITY)
  let nextMs = clock.monotonicMs() + gapMs()

  const sendOne = () => {
    if (counts.inFlight >= mostInFlight) {
      counts.dropped++
      return
    }
    const { value, done } = rows.next()
    if (done) {
      isStopped = true
      return
    }
    const number = counts.sent++
    counts.inFlight++
    client.send(bodyOf(value, number), (outcome) => settle(counts, outcome), {
      [headerNames.unit]: `user-${number % users}`,
    })
  }
  const tick = () => {
    if (isStopped) return
    const nowMs = clock.monotonicMs()
    for (; nextMs <= nowMs && !isStopped; nextMs += gapMs()) {
      if (nowMs - nextMs > MOST_BEHIND_MS) counts.dropped++
      else sendOne()
    }
    timer = setTimeout(tick, TICK_MS)
  }
  let timer = setTimeout(tick, TICK_MS)

  return {
    setRate: (ratePerSecond) => {
      rate = ratePerSecond
      // Without memory, so the wait may begin anew.
      nextMs = clock.monotonicMs() + gapMs()
    },
    counts: () => snapshot(counts),
    stop: async () => {
      isStopped = true
      clearTimeout(timer)
      const endMs = clock.monotonicMs() + timeoutMs
      while (counts.inFlight > 0 && clock.monotonicMs() < endMs) await clock.sleep(10)
      await client.close()
      return snapshot(counts)
    },
  }
}

interface Counting {
  sent: number
  answered: number
  dropped: number
  inFlight: number
  readonly failed: Record<string, number>
  readonly byVersion: Record<string, number>
}

function newCounts(): Counting {
  return { sent: 0, answered: 0, dropped: 0, inFlight: 0, failed: {}, byVersion: {} }
}

function snapshot(counts: Counting): TrafficCounts {
  return { ...counts, failed: { ...counts.failed }, byVersion: { ...counts.byVersion } }
}

function settle(counts: Counting, outcome: Outcome): void {
  counts.inFlight--
  if (outcome.kind === 'answered') {
    counts.answered++
    const version = outcome.version ?? 'unknown'
    counts.byVersion[version] = (counts.byVersion[version] ?? 0) + 1
  } else {
    const name = failureName(outcome)
    counts.failed[name] = (counts.failed[name] ?? 0) + 1
  }
}

/**
 * Encodes each row once, in two parts around the running number: escaping a mail anew for every request costs more than
 * sending it.
 */
function bodies(): (row: Row, number: number) => Buffer {
  const encoded = new WeakMap<Row, readonly [string, string]>()
  return (row, number) => {
    let parts = encoded.get(row)
    if (parts === undefined) {
      parts = encode(row)
      encoded.set(row, parts)
    }
    return Buffer.from(parts[1] === '' ? parts[0] : `${parts[0]}${number}${parts[1]}`)
  }
}

function encode(row: Row): readonly [string, string] {
  const text = Object.entries(row).find(([, value]) => typeof value === 'string')
  if (text === undefined) return [JSON.stringify({ inputs: [row] }), '']
  const [name, value] = text
  const { [name]: _, ...rest } = row
  const others = JSON.stringify(rest).slice(1, -1)
  const head = `{"inputs":[{${others === '' ? '' : `${others},`}${JSON.stringify(name)}:"Message-Id: <`
  return [head, `@sample>\\n${JSON.stringify(value).slice(1)}}]}`]
}
