import type { Snapshot } from '../../contracts/index.ts'
import { type Clock, canonicalJson, type Logger } from '../../kernel/index.ts'
import type { SnapshotContent } from './build-snapshot.ts'

export interface Publisher {
  current(): Snapshot
  /** Tells listeners when the content differs from what they have. */
  publish(content: SnapshotContent): void
  onSnapshot(listener: (snapshot: Snapshot) => void): () => void
}

/**
 * Revisions are epoch milliseconds, or one more than the last: they grow within a process, and across a restart too,
 * since no process publishes a thousand times a second for long. Gateways take only what is newer than what they have.
 */
export function createPublisher(clock: Clock, logger: Logger): Publisher {
  const listeners = new Set<(snapshot: Snapshot) => void>()
  let snapshot: Snapshot = { revision: 0, createdAt: clock.nowMs(), models: [], keys: [] }
  let spelled: string | undefined

  return {
    current: () => snapshot,
    publish(content) {
      const next = canonicalJson(content)
      if (next === spelled) return
      spelled = next
      const createdAt = clock.nowMs()
      snapshot = { revision: Math.max(snapshot.revision + 1, createdAt), createdAt, ...content }
      for (const listener of [...listeners]) {
        try {
          listener(snapshot)
        } catch (error) {
          logger.error({ err: error }, 'a snapshot listener failed')
        }
      }
    },
    onSnapshot(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
