import type { Clock, Logger } from '../kernel/index.ts'

export interface Pulse {
  /** Asks for a run soon; asking many times is asking once. */
  wake(): void
  /** Waits for the run that is under way. */
  stop(): Promise<void>
}

export interface PulseParts {
  readonly clock: Clock
  readonly logger: Logger
  /** A wake waits so long, so that a burst of events becomes one run. */
  readonly gatherMs: number
  readonly intervalMs: number
  work(): Promise<void>
}

/**
 * Runs `work` when woken and at least every `intervalMs`, one run at a time. What is asked during a run makes one
 * further run. A run that fails is logged, and made again at the next beat.
 */
export function createPulse({ clock, logger, gatherMs, intervalMs, work }: PulseParts): Pulse {
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
      await work().catch((error: unknown) => {
        logger.error({ err: error }, 'a turn failed and will be made again')
      })
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
