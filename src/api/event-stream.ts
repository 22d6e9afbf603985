/**
 * Turns a callback source into an async iterable that holds at most one value: whoever reads slowly skips what is
 * outdated, and nobody's memory grows. Ends when the signal aborts.
 */
export async function* latestOnly<T, E>(
  subscribe: (publish: (value: T) => void) => () => void,
  render: (value: T) => E,
  signal: AbortSignal,
): AsyncGenerator<E> {
  let newest: { value: T } | undefined
  let wake: (() => void) | undefined
  const unsubscribe = subscribe((value) => {
    newest = { value }
    wake?.()
  })
  signal.addEventListener('abort', () => wake?.(), { once: true })
  try {
    while (!signal.aborted) {
      if (newest === undefined)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      wake = undefined
      const taken = newest
      newest = undefined
      if (taken !== undefined && !signal.aborted) yield render(taken.value)
    }
  } finally {
    unsubscribe()
  }
}

/** As `latestOnly`, but one newest value per key: a burst about ten things yields ten events, not a thousand. */
export function latestPerKey(
  subscribe: (publish: (key: string) => void) => () => void,
  render: (key: string) => Promise<{ event: string; data: unknown } | undefined>,
  signal: AbortSignal,
): AsyncGenerator<{ event: string; data: unknown }> {
  const dirty = new Set<string>()
  return (async function* () {
    const changed = latestOnly<undefined, undefined>(
      (publish) =>
        subscribe((key) => {
          dirty.add(key)
          publish(undefined)
        }),
      () => undefined,
      signal,
    )
    for await (const _ of changed) {
      const keys = [...dirty]
      dirty.clear()
      for (const key of keys) {
        const event = await render(key)
        if (event !== undefined) yield event
      }
    }
  })()
}
