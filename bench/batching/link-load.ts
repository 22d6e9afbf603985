/** Callers on one link to a model server, each with one request in flight, for a while. */

import { seededRandom, systemClock } from '../../src/kernel/index.ts'
import { connectLink, type LinkOutcome } from '../../src/link/index.ts'

export interface LinkLoad {
  readonly address: string
  readonly callers: number
  readonly rows: number
  readonly body: Buffer
  readonly seconds: number
  readonly warmUpSeconds?: number
  /** Callers start apart and pause for up to so long after an answer, as people's programs do; default 0. */
  readonly thinkMs?: number
}

export interface LinkLoadResult {
  readonly rowsPerSecond: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failures: number
}

export async function loadLink(load: LinkLoad): Promise<LinkLoadResult> {
  const client = await connectLink(load.address, { clock: systemClock })
  const countFromMs = performance.now() + (load.warmUpSeconds ?? 1) * 1000
  const untilMs = countFromMs + load.seconds * 1000
  const latencies: number[] = []
  let failures = 0
  const thinkMs = load.thinkMs ?? 0
  const random = seededRandom(1)
  const caller = (_: unknown, place: number) =>
    new Promise<void>((resolve) => {
      let startMs = 0
      const settle = (outcome: LinkOutcome) => {
        const nowMs = performance.now()
        if (startMs >= countFromMs && nowMs <= untilMs) {
          latencies.push(nowMs - startMs)
          if (!outcome.ok) failures++
        }
        if (nowMs >= untilMs) resolve()
        else if (thinkMs > 0) setTimeout(send, random() * thinkMs)
        else send()
      }
      const send = () => {
        startMs = performance.now()
        client.request(load, settle)
      }
      if (thinkMs > 0) setTimeout(send, place * thinkMs * 2)
      else send()
    })
  await Promise.all(Array.from({ length: load.callers }, caller))
  client.close()
  const sorted = Float64Array.from(latencies).sort()
  const quantile = (p: number) => Number((sorted[Math.ceil(sorted.length * p) - 1] ?? Number.NaN).toFixed(4))
  const requestsPerSecond = Math.round((sorted.length - failures) / load.seconds)
  return {
    rowsPerSecond: requestsPerSecond * load.rows,
    requestsPerSecond,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    failures,
  }
}
