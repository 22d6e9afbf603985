import type { Clock } from '../kernel/index.ts'

export interface Pulse {
  /** Asks for a run soon; asking many times is asking once. */
  wake(): void
  /** Waits for the run that is under way. */
  stop(): Promise<void>
}

/**
 * Runs `work` when woken and at least every `intervalMs`, one run at a time. What is asked during a run makes one
 * further run. A wake waits `gatherMs`, so that a burst of events becomes one run.
 */
export function createPulse(
  clock: Clock,
  gatherMs: number,
  intervalMs: number,
  work: () => Promise<void>,
): Pulse {
  const ending = new AbortController()
  let isAsked = false
  let awaken = new AbortController()

  async function beat(): Promise<void> {
    while (!ending.signal.aborted) {
      if (!isAsked) await pause(intervalMs, AbortSignal.any([awaken.signal, ending.signal]))
      if (isAsked) await pause(gatherMs, ending.signal)
      if (ending.signal.aborted) return
      isAsked = false
      awaken = new AbortController()
      await work()
    }
  }

  async function pause(ms: number, signal: AbortSignal): Promise<void> {
    await clock.sleep(ms, signal).catch(() => undefined)
  }

  const running = beat()
  return {
    wake() {
      isAsked = true
      awaken.abort()
    },
    async stop() {
      ending.abort()
      await running
    },
  }
}
