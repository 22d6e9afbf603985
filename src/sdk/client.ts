import type { z } from 'zod'
import { type Route, type Routes, routes } from '../contracts/index.ts'
import { type EventsOptions, followEvents, type ServerEvent } from './events.ts'
import { localProblem, problemOf } from './problem-error.ts'
import { readTolerant } from './tolerant.ts'

const DEFAULT_TIMEOUT_MS = 30_000

/** Made from the route table: nothing about a route is said twice. Works in Node and in browsers. */
export interface Client {
  /** The parsed answer. Rejects with `ProblemError`. */
  call<N extends keyof Routes>(name: N, ...rest: Rest<Routes[N]>): Promise<Answer<Routes[N]>>
  /** As `call`, with status and headers: for ETags and the headers of predictions. */
  send<N extends keyof Routes>(
    name: N,
    ...rest: Rest<Routes[N]>
  ): Promise<{ answer: Answer<Routes[N]>; status: number; headers: Headers }>
  /** All items of a list, page after page. */
  each<N extends PagedRoute>(name: N, ...rest: Rest<Routes[N]>): AsyncGenerator<ItemOf<Routes[N]>>
  /** Server-sent events, connected again after a loss, until the signal aborts. */
  events<N extends EventRoute>(name: N, options?: EventsOptions): AsyncGenerator<ServerEvent>
}

export interface ClientOptions {
  readonly controlUrl: string
  readonly gatewayUrl?: string
  /** `slw_…`. Left out in the dashboard, where a cookie signs in. */
  readonly key?: string | undefined
  readonly timeoutMs?: number
  readonly fetch?: typeof fetch
}

export interface CallOptions {
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal | undefined
  /** For the whole call, body included. */
  readonly timeoutMs?: number
}

type Optional<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T]
/** What a caller writes: the fields of the schema's output, those with a default left out at will. */
type Written<S extends z.ZodType> = {
  [K in Exclude<keyof z.input<S>, Optional<z.input<S>>> & keyof z.output<S>]: z.output<S>[K]
} & { [K in Optional<z.input<S>> & keyof z.output<S>]?: z.output<S>[K] | undefined }

type Params<R> = R extends { params: infer P extends z.ZodType } ? { params: z.input<P> } : object
type Query<R> = R extends { query: infer Q extends z.ZodType }
  ? object extends Written<Q>
    ? { query?: Written<Q> }
    : { query: Written<Q> }
  : object
type Body<R> = R extends { body: 'bytes' }
  ? { body: Uint8Array | Blob }
  : R extends { body: infer B extends z.ZodType }
    ? { body: z.input<B> }
    : object

export type Input<R extends Route> = Params<R> & Query<R> & Body<R>
type Rest<R extends Route> =
  object extends Input<R>
    ? [input?: Input<R>, options?: CallOptions]
    : [input: Input<R>, options?: CallOptions]

export type Answer<R extends Route> = R extends { answer: infer A extends z.ZodType }
  ? z.output<A>
  : R extends { answer: 'bytes' }
    ? Uint8Array<ArrayBuffer>
    : R extends { answer: 'text' }
      ? string
      : undefined

type PagedRoute = {
  [N in keyof Routes]: Answer<Routes[N]> extends { items: unknown[]; next: string | null } ? N : never
}[keyof Routes]
type ItemOf<R extends Route> = Answer<R> extends { items: (infer T)[] } ? T : never
type EventRoute = { [N in keyof Routes]: Routes[N] extends { answer: 'events' } ? N : never }[keyof Routes]

interface AnyInput {
  readonly params?: Record<string, unknown>
  readonly query?: Record<string, unknown>
  readonly body?: unknown
}

export function createClient(options: ClientOptions): Client {
  const sendAny = async (name: keyof Routes, input: AnyInput, how: CallOptions) => {
    const route: Route = routes[name]
    const url = urlOf(route, input, options)
    const timeoutMs = how.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      const response = await (options.fetch ?? fetch)(url, {
        ...requestOf(route, input, options, how),
        signal: how.signal === undefined ? timeout : AbortSignal.any([timeout, how.signal]),
      })
      if (!response.ok) throw await problemOf(response, url)
      const answer = await readAnswer(route, response, url)
      return { answer, status: response.status, headers: response.headers }
    } catch (error) {
      throw explain(error, { url, timeoutMs, timedOut: timeout.aborted, left: how.signal?.aborted === true })
    }
  }
  const client = {
    send: (name: keyof Routes, input: AnyInput = {}, how: CallOptions = {}) => sendAny(name, input, how),
    call: async (name: keyof Routes, input: AnyInput = {}, how: CallOptions = {}) =>
      (await sendAny(name, input, how)).answer,
    async *each(name: keyof Routes, input: AnyInput = {}, how: CallOptions = {}) {
      let cursor: string | null | undefined
      do {
        const query = { ...input.query, ...(cursor == null ? {} : { cursor }) }
        const { answer } = await sendAny(name, { ...input, query }, how)
        const page = answer as { items: unknown[]; next: string | null }
        yield* page.items
        cursor = page.next
      } while (cursor !== null)
    },
    events: (name: keyof Routes, how: EventsOptions = {}) => {
      const route: Route = routes[name]
      const { signal: _, ...request } = requestOf(route, {}, options, {
        headers: { accept: 'text/event-stream' },
      })
      return followEvents(urlOf(route, {}, options), request, options.fetch ?? fetch, how)
    },
  }
  // The table gives each name its own input and answer; inside, one function serves them all.
  return client as unknown as Client
}

function urlOf(route: Route, input: AnyInput, options: ClientOptions): string {
  const base = route.listener === 'gateway' ? options.gatewayUrl : options.controlUrl
  if (base === undefined) throw new TypeError(`no gateway address was given, and ${route.path} needs one`)
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = input.params?.[name]
    if (typeof value !== 'string' || value === '') throw new TypeError(`${route.path} needs ${name}`)
    return encodeURIComponent(value)
  })
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(input.query ?? {}))
    if (value !== undefined) query.set(name, String(value))
  const search = query.size === 0 ? '' : `?${query}`
  return `${base.replace(/\/+$/, '')}${path}${search}`
}

function requestOf(route: Route, input: AnyInput, options: ClientOptions, how: CallOptions): RequestInit {
  const headers: Record<string, string> = { accept: 'application/json', ...how.headers }
  if (options.key !== undefined) headers.authorization = `Bearer ${options.key}`
  const request: RequestInit = { method: route.method, headers, redirect: 'error' }
  if (route.body === undefined) return request
  headers['content-type'] = route.body === 'bytes' ? 'application/octet-stream' : 'application/json'
  request.body = route.body === 'bytes' ? (input.body as Blob) : JSON.stringify(input.body)
  return request
}

async function readAnswer(route: Route, response: Response, url: string): Promise<unknown> {
  if (route.answer === undefined) return undefined
  if (route.answer === 'bytes') return new Uint8Array(await response.arrayBuffer())
  if (route.answer === 'text' || route.answer === 'events') return response.text()
  const text = await response.text()
  const read = readTolerant(route.answer, text)
  if ('answer' in read) return read.answer
  throw localProblem(
    'internal',
    {},
    { detail: `${url} answered in another form than its contract: ${read.reason}.` },
  )
}

/** What `fetch` throws says little; people want the address and the limit. A caller's own abort stays as it is. */
function explain(
  error: unknown,
  facts: { url: string; timeoutMs: number; timedOut: boolean; left: boolean },
): unknown {
  if (facts.left) return error
  if (facts.timedOut)
    return localProblem('deadline_exceeded', { timeoutMs: facts.timeoutMs }, { cause: error })
  if (error instanceof TypeError)
    return localProblem(
      'control_unavailable',
      { url: new URL(facts.url).origin },
      {
        cause: error,
        detail: `Nothing answers at ${new URL(facts.url).origin}.`,
      },
    )
  return error
}
