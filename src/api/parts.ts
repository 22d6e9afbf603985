import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { Batches } from '../batches/index.ts'
import type { Changes } from '../changes/index.ts'
import type {
  Route,
  Routes,
  StatusReport,
  TelemetryBatch,
  TextReplica,
  TrafficWindow,
} from '../contracts/index.ts'
import type { Fleet, LeaseDesk } from '../fleet/index.ts'
import type { Clock, Logger } from '../kernel/index.ts'
import type { Store } from '../store/index.ts'
import type { TextStates, TextSummary } from '../telemetry/index.ts'
import type { Caller } from './sessions.ts'

/** What the handlers need of the rooms behind them. */
export interface ApiParts {
  readonly store: Store
  readonly fleet: Fleet
  readonly changes: ChangeDesk
  readonly telemetry: LiveTelemetry
  readonly batches: Pick<Batches, 'files' | 'desk'>
  /** Limits that gateways share. */
  readonly leases: LeaseDesk
  readonly clock: Clock
  readonly logger: Logger
  readonly pepper: Uint8Array
  /** The product's version. */
  readonly version: string
  readonly startedAt: number
  /** The built dashboard; undefined when there is none. */
  readonly webFolder: string | undefined
  /** Control and gateways; replicas come from the fleet. */
  readonly processes: () => Promise<StatusReport['processes']>
  /** Replicas of ours that answer text for a model, by their own metrics; asked when somebody looks. */
  readonly textReplicas: (model: string) => Promise<TextReplica[]>
  /** Prometheus text of this process. */
  readonly metrics: () => Promise<string>
}

/** What people do to changes; keeping them going is the business of who opens them. */
export type ChangeDesk = Omit<Changes, 'onChange' | 'open' | 'close'>

export interface LiveTelemetry {
  ingest(batch: TelemetryBatch): Promise<{ taken: number }>
  windows(filter: {
    model: string
    versions?: string[]
    fromMs: number
    toMs: number
  }): Promise<TrafficWindow[]>
  text(query: { model: string; fromMs: number; toMs: number; sizeMs: number }): Promise<TextSummary>
  readonly textStates: TextStates
}

type Parsed<S> = S extends z.ZodType ? z.infer<S> : undefined

/** What a handler is given: everything is checked by then. */
export interface Ask<R extends Route> {
  readonly params: Parsed<R['params']>
  readonly query: Parsed<R['query']>
  readonly body: R['body'] extends 'bytes' ? Readable : Parsed<R['body']>
  /** Undefined on public routes only. */
  readonly caller: R['access'] extends 'public' ? Caller | undefined : Caller
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly requestId: string
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
  /** Headers to send along. */
  readonly reply: { header(name: string, value: string): void; redirect(to: string): void }
}

export type Answer<R extends Route> = R['answer'] extends z.ZodType
  ? z.input<R['answer']>
  : R['answer'] extends 'bytes'
    ? Buffer | Readable
    : R['answer'] extends 'events'
      ? AsyncIterable<{ event: string; data: unknown; id?: string }>
      : R['answer'] extends 'text'
        ? string
        : undefined

export type Handler<R extends Route> = (ask: Ask<R>) => Promise<Answer<R>>

export type ControlRoute = {
  [N in keyof Routes]: Routes[N]['listener'] extends 'control' ? N : never
}[keyof Routes]

export type Handlers<N extends ControlRoute = ControlRoute> = { readonly [K in N]: Handler<Routes[K]> }
