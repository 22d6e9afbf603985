import type { Logger } from '../kernel/index.ts'
import type { Written } from './store.ts'

/** Tells listeners of this process what was written, after it was. */
export interface Watchers {
  watch(listener: (written: Written) => void): () => void
  tell(topic: Written['topic'], key: string): void
}

export function createWatchers(logger: Logger): Watchers {
  const listeners = new Set<(written: Written) => void>()
  return {
    watch: (listener) => {
      // A wrapper of its own, so that the same function may listen twice and each undo takes back one.
      const own = (written: Written) => listener(written)
      listeners.add(own)
      return () => listeners.delete(own)
    },
    tell: (topic, key) => {
      for (const listener of [...listeners]) {
        try {
          listener({ topic, key })
        } catch (error) {
          logger.error({ err: error, topic, key }, 'store listener failed')
        }
      }
    },
  }
}
