/** Something a page reads: equal keys mean equal answers. */
export interface Query<T> {
  readonly key: string
  /** Given what is known, so that an answer which only grows is fetched from there on. */
  readonly read: (known: T | undefined) => Promise<T>
  /** Where comparing the whole as text would cost more than drawing it again. */
  readonly isSame?: (known: T, read: T) => boolean
  /** Events may come faster than anybody looks; no two reads start within this time. */
  readonly minIntervalMs?: (last: T | undefined) => number
}

export interface Answer<T> {
  /** The newest good answer; kept while a newer one is fetched or fails, so that nothing flickers. */
  readonly data: T | undefined
  readonly error: unknown
}

export interface QueryCache {
  /** Reads when nothing is known yet or what is known is stale. Returns its undo. */
  subscribe<T>(query: Query<T>, listener: () => void): () => void
  peek<T>(key: string): Answer<T>
  /** What matches is read again, now if somebody looks at it, else when somebody does. */
  invalidate(matches: (key: string) => boolean): void
  /** An answer that came by itself, with an event. */
  put(key: string, data: unknown): void
}

interface Entry {
  answer: Answer<unknown>
  text: string | undefined
  isStale: boolean
  isReading: boolean
  startedMs: number
  timer: ReturnType<typeof setTimeout> | undefined
  query: Query<unknown> | undefined
  readonly listeners: Set<() => void>
}

const NOTHING: Answer<never> = Object.freeze({ data: undefined, error: undefined })
const DEFAULT_INTERVAL_MS = 1000
/** Answers that nobody looks at are kept for going back, so many of them. */
const KEPT_UNSEEN = 100

/** `onError` hears every failed read; the answer that was known stays. */
export function createQueryCache(nowMs: () => number, onError: (error: unknown) => void): QueryCache {
  const entries = new Map<string, Entry>()

  return {
    subscribe(query, listener) {
      const entry = entryOf(query.key)
      entry.query = query as Query<unknown>
      entry.listeners.add(listener)
      if (entry.isStale) schedule(entry)
      return () => {
        entry.listeners.delete(listener)
        if (entry.listeners.size === 0) forgetOldest()
      }
    },
    peek: (key) => (entries.get(key)?.answer ?? NOTHING) as Answer<never>,
    invalidate(matches) {
      for (const [key, entry] of entries) {
        if (!matches(key)) continue
        entry.isStale = true
        if (entry.listeners.size > 0) schedule(entry)
      }
    },
    put(key, data) {
      const entry = entryOf(key)
      entry.isStale = false
      settle(entry, data)
    },
  }

  function entryOf(key: string): Entry {
    let entry = entries.get(key)
    if (entry === undefined) {
      entry = {
        answer: NOTHING,
        text: undefined,
        isStale: true,
        isReading: false,
        startedMs: Number.NEGATIVE_INFINITY,
        timer: undefined,
        query: undefined,
        listeners: new Set(),
      }
      entries.set(key, entry)
    }
    return entry
  }

  function schedule(entry: Entry): void {
    if (entry.isReading || entry.timer !== undefined || entry.query === undefined) return
    const interval = entry.query.minIntervalMs?.(entry.answer.data) ?? DEFAULT_INTERVAL_MS
    const waitMs = entry.startedMs + interval - nowMs()
    if (waitMs <= 0) {
      void read(entry, entry.query)
      return
    }
    entry.timer = setTimeout(() => {
      entry.timer = undefined
      if (entry.listeners.size > 0 && entry.query !== undefined) void read(entry, entry.query)
    }, waitMs)
  }

  async function read(entry: Entry, query: Query<unknown>): Promise<void> {
    entry.isReading = true
    entry.isStale = false
    entry.startedMs = nowMs()
    try {
      settle(entry, await query.read(entry.answer.data))
    } catch (error) {
      entry.answer = { data: entry.answer.data, error }
      tell(entry)
      onError(error)
    } finally {
      entry.isReading = false
    }
    // What became stale while it was read is read once more.
    if (entry.isStale && entry.listeners.size > 0) schedule(entry)
  }

  /** An answer equal to the known one is not news, so nothing is drawn again. */
  function settle(entry: Entry, data: unknown): void {
    const isNews = !isKnown(entry, data)
    if (!isNews && entry.answer.error === undefined) return
    entry.answer = { data: isNews ? data : entry.answer.data, error: undefined }
    tell(entry)
  }

  function isKnown(entry: Entry, data: unknown): boolean {
    const isSame = entry.query?.isSame
    if (isSame !== undefined) return entry.answer.data !== undefined && isSame(entry.answer.data, data)
    const text = JSON.stringify(data)
    const isEqual = text === entry.text
    entry.text = text
    return isEqual
  }

  function tell(entry: Entry): void {
    for (const listener of [...entry.listeners]) listener()
  }

  function forgetOldest(): void {
    const unseen = [...entries].filter(([, entry]) => entry.listeners.size === 0 && !entry.isReading)
    for (const [key] of unseen.slice(0, Math.max(0, unseen.length - KEPT_UNSEEN))) entries.delete(key)
  }
}
