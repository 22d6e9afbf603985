import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { client } from './client.ts'
import { followLive } from './live.ts'
import { type Answer, createQueryCache, type Query } from './query-cache.ts'
import { type Connection, connectionNow, noteError, onConnection } from './session.ts'

const cache = createQueryCache(() => Date.now(), noteError)

/** The newest answer, kept fresh by the live stream. */
export function useQuery<T>(query: Query<T>): Answer<T> {
  // biome-ignore lint/correctness/useExhaustiveDependencies: equal keys are equal queries
  const subscribe = useCallback((listener: () => void) => cache.subscribe(query, listener), [query.key])
  return useSyncExternalStore(subscribe, () => cache.peek<T>(query.key))
}

/** Call after an action of this page, so that its effect is seen at once. */
export function refreshAll(): void {
  cache.invalidate(() => true)
}

export function useConnection(): Connection {
  return useSyncExternalStore(onConnection, connectionNow)
}

export function useLive(): void {
  useEffect(() => followLive(client, cache), [])
}

/** The time for "3 min ago", told anew every so often. */
export function useNow(everyMs = 5000): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}
