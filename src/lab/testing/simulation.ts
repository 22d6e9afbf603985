import type { Clock } from '../../kernel/index.ts'
import type { GatewayClient, Outcome } from '../client/gateway-client.ts'
import type { Timers } from '../load/pace.ts'

/** A world in which time passes only when nothing is left to do; `soon` takes 50 µs, a turn of an event loop. */
export function simulatedWorld() {
  let nowMs = 0
  let order = 0
  const agenda: { atMs: number; order: number; call: () => void }[] = []
  const at = (atMs: number, call: () => void) => {
    agenda.push({ atMs, order: order++, call })
  }
  const timers: Timers = {
    after: (ms, call) => at(nowMs + ms, call),
    soon: (call) => at(nowMs + 0.05, call),
  }
  const clock: Clock = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms) => new Promise((resolve) => at(nowMs + ms, resolve)),
  }
  return {
    clock,
    timers,
    at,
    /** The process does nothing for so long, as in a collection of garbage. */
    block: (ms: number) => {
      nowMs += ms
    },
    /** Runs until `done` settles. */
    async run<T>(done: Promise<T>): Promise<T> {
      let isSettled = false
      const settled = done.finally(() => {
        isSettled = true
      })
      settled.catch(() => {})
      while (!isSettled) {
        agenda.sort((left, right) => left.atMs - right.atMs || left.order - right.order)
        const next = agenda.shift()
        if (next === undefined) await new Promise(setImmediate)
        else {
          nowMs = Math.max(nowMs, next.atMs)
          next.call()
          await Promise.resolve()
        }
      }
      return settled
    },
  }
}

/** One server that answers in turn, `serviceMs` each, and does nothing between `stallFromMs` and `stallToMs`. */
export function queueingServer(
  world: ReturnType<typeof simulatedWorld>,
  script: { version: string; serviceMs: number; stallFromMs: number; stallToMs: number },
): GatewayClient {
  let freeAtMs = 0
  const answered: Outcome = {
    kind: 'answered',
    status: 200,
    version: script.version,
    computeMs: script.serviceMs,
    queueMs: 0,
    retryAfterMs: null,
    body: '',
    reason: '',
  }
  const send: GatewayClient['send'] = (_body, done) => {
    let startMs = Math.max(world.clock.monotonicMs(), freeAtMs)
    if (startMs >= script.stallFromMs && startMs < script.stallToMs) startMs = script.stallToMs
    freeAtMs = startMs + script.serviceMs
    world.at(freeAtMs, () => done(answered))
  }
  return { send, ask: (body) => new Promise((resolve) => send(body, resolve)), close: async () => {} }
}
