import { problemOf } from './problem-error.ts'

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5_000
/** Longer than any event we send; a stream that never ends a line must not fill the memory. */
const LONGEST_EVENT = 16 * 1024 * 1024

export interface ServerEvent {
  readonly event: string
  readonly data: unknown
  readonly id: string | undefined
}

export interface EventsOptions {
  readonly signal?: AbortSignal | undefined
  /** Told when the stream is open, and when it was lost and will be tried again. */
  readonly onState?: (state: 'open' | 'lost') => void
  /** A stream that says nothing for so long, comments included, is taken for dead. */
  readonly idleTimeoutMs?: number
}

/**
 * The events of one address until the signal aborts. A lost connection is made anew after 0.25 s, doubling to 5 s,
 * with `last-event-id`; a refusal (4xx) is an error, since trying again would not help.
 */
export async function* followEvents(
  url: string,
  request: RequestInit,
  fetchIt: typeof fetch,
  options: EventsOptions,
): AsyncGenerator<ServerEvent> {
  let lastId: string | undefined
  let waitMs = FIRST_WAIT_MS
  const hasLeft = () => options.signal?.aborted === true
  while (!hasLeft()) {
    const connection = new AbortController()
    const leave = () => connection.abort()
    options.signal?.addEventListener('abort', leave, { once: true })
    try {
      const headers = { ...(request.headers as Record<string, string>) }
      if (lastId !== undefined) headers['last-event-id'] = lastId
      const response = await fetchIt(url, { ...request, headers, signal: connection.signal })
      if (response.status >= 400 && response.status < 500) throw new Refused(await problemOf(response, url))
      if (!response.ok || response.body === null) throw new Error(`status ${response.status}`)
      options.onState?.('open')
      for await (const event of readEvents(response.body, options.idleTimeoutMs)) {
        waitMs = FIRST_WAIT_MS
        lastId = event.id ?? lastId
        yield event
      }
    } catch (error) {
      if (error instanceof Refused) throw error.problem
    } finally {
      options.signal?.removeEventListener('abort', leave)
      connection.abort()
    }
    if (hasLeft()) return
    options.onState?.('lost')
    // Half fixed, half random: readers that were cut off together do not come back together.
    await pause(waitMs * (0.5 + Math.random() / 2), options.signal)
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
  }
}

class Refused extends Error {
  readonly problem: Error
  constructor(problem: Error) {
    super(problem.message)
    this.problem = problem
  }
}

/** Server-sent events (WHATWG HTML § 9.2) of one body; `data` is JSON where it parses, text where not. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  idleTimeoutMs?: number,
): AsyncGenerator<ServerEvent> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  let block: string[] = []
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), idleTimeoutMs)
      if (done) return
      rest += decoder.decode(value, { stream: true })
      if (rest.length > LONGEST_EVENT) throw new Error('an event is too long')
      // A lone \r at the end may be half of \r\n; it waits for the next piece.
      const lines = rest.split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line !== '') {
          block.push(line)
          continue
        }
        const event = parseBlock(block)
        block = []
        if (event !== undefined) yield event
      }
    }
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

function parseBlock(lines: readonly string[]): ServerEvent | undefined {
  let event = 'message'
  let id: string | undefined
  const data: string[] = []
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon === 0) continue
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') event = value
    else if (field === 'id') id = value
    else if (field === 'data') data.push(value)
  }
  if (data.length === 0) return undefined
  const text = data.join('\n')
  try {
    return { event, data: JSON.parse(text), id }
  } catch {
    return { event, data: text, id }
  }
}

async function within<T>(work: Promise<T>, limitMs: number | undefined): Promise<T> {
  if (limitMs === undefined) return work
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`silent for ${limitMs} ms`)), limitMs)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    function done() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    signal?.addEventListener('abort', done, { once: true })
  })
}
