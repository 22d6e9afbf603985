import type { TrafficShares, TrafficWindow } from '../../contracts/index.ts'
import { type Clock, countInto, type Random, seededRandom } from '../../kernel/index.ts'
import type { WindowSource } from '../rollout/window-source.ts'

/** How one version answers in one second. */
export interface Behaviour {
  readonly errorRate: number
  /** Share of requests that are slowed, and by how much. */
  readonly slowShare?: number
  readonly slowFactor?: number
}

export interface SimulatedTraffic extends WindowSource {
  /** Lets the second that has just passed happen under that split. */
  second(shares: TrafficShares): void
  requestsPerSecond: number
  /** While false, what happens is not told (a gateway that cannot reach control). */
  isTelling: boolean
  readonly told: TrafficWindow[]
  answered(version: string): number
}

export function createSimulatedTraffic(options: {
  clock: Clock
  model: string
  seed: number
  requestsPerSecond: number
  behaviour: (version: string, second: number) => Behaviour
}): SimulatedTraffic {
  const random = seededRandom(options.seed)
  const told: TrafficWindow[] = []
  const answered = new Map<string, number>()
  const startMs = options.clock.nowMs()

  const traffic: SimulatedTraffic = {
    requestsPerSecond: options.requestsPerSecond,
    isTelling: true,
    told,
    answered: (version) => answered.get(version) ?? 0,
    second(shares) {
      const endMs = options.clock.nowMs()
      for (const [version, share] of Object.entries(shares)) {
        const requests = binomial(random, traffic.requestsPerSecond, share / 100)
        if (requests === 0) continue
        answered.set(version, (answered.get(version) ?? 0) + requests)
        const window = draw(
          random,
          requests,
          options.behaviour(version, Math.round((endMs - startMs) / 1000)),
        )
        if (traffic.isTelling)
          told.push({ model: options.model, version, startMs: endMs - 1000, sizeMs: 1000, ...window })
      }
    },
    async windows({ versions, fromMs, toMs }) {
      return told.filter(
        (window) => versions.includes(window.version) && window.startMs >= fromMs && window.startMs < toMs,
      )
    },
    recentRate: () => (traffic.isTelling ? traffic.requestsPerSecond : 0),
  }
  return traffic
}

/** Latencies are log-normal around 10 ms; a failure takes as long as an answer. */
function draw(random: Random, requests: number, behaviour: Behaviour) {
  const latency: Record<string, number> = {}
  let errors = 0
  for (let count = 0; count < requests; count++) {
    if (random() < behaviour.errorRate) errors++
    const isSlow = random() < (behaviour.slowShare ?? 0)
    countInto(latency, 10 * Math.exp(0.3 * normal(random)) * (isSlow ? (behaviour.slowFactor ?? 1) : 1))
  }
  return { requests, errors, timeouts: 0, refusals: 0, rows: requests, computeMs: requests, latency }
}

function binomial(random: Random, n: number, p: number): number {
  let successes = 0
  for (let count = 0; count < n; count++) if (random() < p) successes++
  return successes
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
