import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, SlipwayError } from '../../kernel/index.ts'
import { askRaw } from './raw-answer.ts'
import { judgeRecovery, type LoadedRequest, type Recovery, type RecoveryBounds } from './recovery.ts'
import type { ServiceTarget } from './service-target.ts'

export interface RecoveryPlan extends RecoveryBounds {
  /** Requests a second; they do not wait for each other. */
  readonly ratePerSecond: number
  /** Of load before and after the fault. */
  readonly beforeMs: number
  readonly afterMs: number
  readonly timeoutMs: number
}

/**
 * Loads a service on this machine, lets `breakIt` happen, and judges what came after. Throws `invalid_request` for a
 * service elsewhere: faults are for installations of one's own.
 */
export async function probeRecovery(
  target: ServiceTarget,
  breakIt: () => void | Promise<void>,
  plan: RecoveryPlan,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Recovery> {
  if (!LOOPBACK.has(new URL(target.url).hostname))
    throw new SlipwayError('invalid_request', { reason: 'Faults are only made on this machine.' })
  const requests: LoadedRequest[] = []
  const flying = new Set<Promise<void>>()
  const gapMs = 1000 / plan.ratePerSecond
  const startMs = clock.monotonicMs()
  let faultMs: number | null = null
  const count = Math.ceil((plan.beforeMs + plan.afterMs) / gapMs)
  for (let index = 0; index < count; index++) {
    const waitMs = startMs + index * gapMs - clock.monotonicMs()
    if (waitMs > 0) await sleep(waitMs, undefined, { signal })
    if (faultMs === null && index * gapMs >= plan.beforeMs) {
      faultMs = clock.monotonicMs()
      await breakIt()
    }
    // What the bound leaves unsent is lost too: a client that waits for that many does not get through.
    if (flying.size >= MOST_FLYING) {
      const nowMs = clock.monotonicMs()
      requests.push({ sentMs: nowMs, endMs: nowMs, isGood: false })
      continue
    }
    const flight = one(target, plan, clock, signal).then((request) => {
      requests.push(request)
      flying.delete(flight)
    })
    flying.add(flight)
  }
  await Promise.all(flying)
  signal.throwIfAborted()
  return judgeRecovery(requests, faultMs ?? clock.monotonicMs(), plan)
}

async function one(
  target: ServiceTarget,
  { timeoutMs }: RecoveryPlan,
  clock: Clock,
  signal: AbortSignal,
): Promise<LoadedRequest> {
  const sentMs = clock.monotonicMs()
  const body = { messages: [{ role: 'user', content: 'Say hello.' }], max_tokens: 1 }
  // When the probe is stopped, its loop says so; what is still in flight must not.
  const { status } = await askRaw(target, body, timeoutMs, signal).catch(() => ({ status: 0 }))
  return { sentMs, endMs: clock.monotonicMs(), isGood: status >= 200 && status <= 299 }
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])
const MOST_FLYING = 256
