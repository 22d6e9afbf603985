import type { VllmSettings } from '../../contracts/index.ts'

/** Where a server is to listen, and under which names. */
export interface ForeignPlace {
  /** Loopback here; in a cluster the address that the replica was given. */
  readonly host: string
  /** The first one answers requests, the others are free loopback ports for what it needs beside. */
  readonly ports: readonly [number, number, number]
  /** By which requests ask for the weights. */
  readonly servedName: string
  /** What requests must show; told by the environment, since an argument can be read by everybody on the machine. */
  readonly key: string
  /** A folder of this replica alone, short enough for a socket. */
  readonly scratchFolder: string
}

/** The part of the command that is ours: after the version's `command`, or the server's usual one. */
export interface ForeignCommand {
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** Numbers of one scrape; what the server does not tell is left out. Counters are since its start. */
export interface ForeignGauges {
  readonly running?: number
  readonly waiting?: number
  /** 0..1. */
  readonly kvCacheShare?: number
  readonly prefixQueriedTokens?: number
  readonly prefixHitTokens?: number
  readonly inputTokens?: number
  readonly outputTokens?: number
  readonly preemptions?: number
  readonly draftedTokens?: number
  readonly acceptedTokens?: number
}

/** One of the server's own metrics: by name and labels, the first of the names that is there; summed over its engines. */
export interface MetricSource {
  readonly names: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  /** A share is averaged over engines instead. */
  readonly isShare?: boolean
}

/** A line of the log that tells why it ended. The first pattern that some line has counts; its code decides what comes next. */
export interface KnownEnd {
  readonly pattern: RegExp
  readonly code: 'engine_refused' | 'engine_out_of_memory'
  /** Counts only with this exit status, since others say such lines too. */
  readonly exitCode?: number
}

/** A kind of model server of another project: plain facts and one pure function. */
export interface ForeignKind {
  readonly name: VllmSettings['server']
  readonly usualCommand: readonly string[]
  readonly healthPath: string
  readonly metricsPath: string
  /** Requests must show the key of `ForeignPlace`. */
  readonly takesKey: boolean
  command(settings: VllmSettings, place: ForeignPlace): ForeignCommand
  readonly metrics: Readonly<Partial<Record<keyof ForeignGauges, MetricSource>>>
  /** Histogram of the time to the first token, seconds. */
  readonly firstTokenSeconds?: string
  /** Lines that say how far the start is. */
  readonly progress: readonly RegExp[]
  readonly ends: readonly KnownEnd[]
}
