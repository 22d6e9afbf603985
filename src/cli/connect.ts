import { setTimeout as sleep } from 'node:timers/promises'

/** Polls a public readiness address until it answers 200; says no when `untilMs` (monotonic) has passed. */
export async function becomesReady(
  url: string,
  untilMs: number,
  isHopeless: () => boolean = () => false,
): Promise<boolean> {
  while (performance.now() < untilMs) {
    if (await answers(url)) return true
    if (isHopeless()) return false
    await sleep(100)
  }
  return false
}

export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
