import type { GenerateEvent } from '../../contracts/index.ts'
import type { Clock, SlipwayError } from '../../kernel/index.ts'
import type { RelaySeen, TextUpstream } from '../../providers/index.ts'
import type { GatewayTable } from '../gateway-table.ts'
import type { GatewayLimits } from '../limits.ts'
import type { NeutralAnswer, UpstreamWork } from './endpoint.ts'
import type { TextLoads } from './loads.ts'
import type { CacheHit, RungStep, TextParts, TextSubject } from './parts.ts'
import type { TextVersion } from './text-version.ts'

export interface AskParts extends TextParts {
  readonly clock: Clock
  readonly bounds: GatewayLimits
  readonly table: () => GatewayTable
  readonly loads: TextLoads
}

/** Who asks, and hears what comes. Whole answers of other rungs (cached, static) come as `whole`. */
export interface Asker {
  readonly subject: TextSubject
  readonly isStream: boolean
  /** Place of its priority class, 0 being the first. */
  readonly rank: number
  readonly timeoutMs: number
  /** The client named the deadline; else each provider's own bounds hold. */
  readonly isTimeoutAsked: boolean
  readonly startedMs: number
  /** Nothing was shown to the client yet. */
  readonly mayFallBack: boolean
  /** Somebody waits for it, and asking it twice does nothing twice. */
  readonly mayHedge: boolean
  /** Before a rung is taken: what its own rules say of the question. Throws or rejects with `guardrail_blocked`. */
  enter(step: RungStep): Promise<void> | undefined
  /** In the form that this upstream takes. Throws what the client got wrong. */
  workFor(text: TextVersion, upstream: TextUpstream): UpstreamWork
  /** In a relayed stream, of the work just made. */
  readonly hidesUsage: boolean
  /** Leaves the feature out where the client allowed that; else false. */
  drop(feature: string): boolean
  /** The client's name for it. */
  fieldOf(feature: string): string
  event(event: GenerateEvent): void
  relayed(bytes: Buffer, seen: RelaySeen): void
  answer(answer: NeutralAnswer | Buffer): void
  whole(answer: NeutralAnswer, hit: CacheHit | undefined): void
  /** Once. Undefined: it ended as it should. Nothing comes after it but `quiet`. */
  asked(failure: SlipwayError | 'cancelled' | undefined): void
  /** After `asked`, where something still ran then: now nothing does. */
  quiet(): void
}
