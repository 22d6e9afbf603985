import type { Upstream } from './upstream.ts'

/** Stands where an upstream could not be opened: closed from the start, so nobody waits for it and nobody picks it. */
export function closedUpstream(named: { id: string; model: string; version: string }): Upstream {
  const { id, model, version } = named
  const parameters = { model, version, retryAfterMs: 1000 }
  return {
    id,
    isReady: false,
    whenReady: () => Promise.resolve(),
    infer: (_, settle) => {
      queueMicrotask(() => settle({ ok: false, code: 'replica_unready', parameters, retrySafe: true }))
      return 0
    },
    cancel: () => undefined,
    close: () => Promise.resolve(),
  }
}
