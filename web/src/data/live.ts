import type { Client, ServerEvent } from '../../../src/sdk/index.ts'
import type { QueryCache } from './query-cache.ts'
import { noteError, setConnection } from './session.ts'

/** A hidden page closes its stream after this time: browsers allow six connections to one host, over all tabs. */
const HIDDEN_FOR_MS = 10_000
/** The server says `: beat` every ten seconds. */
const SILENT_FOR_MS = 25_000

/** Which answers an event makes stale; `change` also carries the new one. */
export function applyEvent(cache: QueryCache, { event, data }: ServerEvent): void {
  const about = (data ?? {}) as { id?: string; change?: string; model?: string }
  const stale = (...keys: string[]) => cache.invalidate((key) => keys.some((start) => startsAs(key, start)))
  switch (event) {
    case 'hello':
      cache.invalidate(() => true)
      return
    case 'change':
      if (about.id !== undefined) {
        cache.put(`change:${about.id}`, data)
        stale('changes', 'models', 'model', `change-events:${about.id}`, `rollout:${about.id}`)
      }
      return
    case 'evidence':
      stale(`evidence:${about.change}`)
      return
    case 'rollout':
      stale('rollout')
      return
    case 'windows':
      stale(`windows:${about.model}`, `requests:${about.model}`, `text-stats:${about.model}`)
      return
    case 'traffic':
    case 'deployments':
    case 'models':
      stale(
        'models',
        ...['model', 'deployments', 'versions', 'traffic-history', 'traffic-at'].map(
          (start) => `${start}:${about.model}`,
        ),
      )
      return
    case 'incidents':
      stale('incidents', 'failure-cases', 'models', 'model')
  }
}

/** `windows:spam` starts as `windows` and as `windows:spam`, not as `windows:sp`. */
function startsAs(key: string, start: string): boolean {
  return key === start || key.startsWith(`${start}:`)
}

/** Keeps the cache fresh while the page is seen. Returns its undo. */
export function followLive(client: Client, cache: QueryCache): () => void {
  let current: AbortController | undefined
  let hiding: ReturnType<typeof setTimeout> | undefined

  const connect = () => {
    if (current !== undefined) return
    const connection = new AbortController()
    current = connection
    void read(connection.signal).catch(noteError)
  }
  const read = async (signal: AbortSignal) => {
    const events = client.events('events', {
      signal,
      idleTimeoutMs: SILENT_FOR_MS,
      onState: (live) => setConnection({ live }),
    })
    for await (const event of events) applyEvent(cache, event)
  }
  const disconnect = () => {
    current?.abort()
    current = undefined
  }
  const onVisibility = () => {
    clearTimeout(hiding)
    if (document.hidden) hiding = setTimeout(disconnect, HIDDEN_FOR_MS)
    else connect()
  }
  document.addEventListener('visibilitychange', onVisibility)
  connect()
  return () => {
    document.removeEventListener('visibilitychange', onVisibility)
    clearTimeout(hiding)
    disconnect()
  }
}
