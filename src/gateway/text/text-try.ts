import type { GenerateEvent } from '../../contracts/index.ts'
import type {
  AcceptedBy,
  RelaySeen,
  TextCall,
  TextExchange,
  TextOutcome,
  TextSink,
  TextUpstream,
  Upstream,
} from '../../providers/index.ts'
import type { GatePlace, PoolMember } from '../../routing/index.ts'
import type { NeutralAnswer } from './endpoint.ts'

/** Who hears of a try; which one is told each time. */
export interface TryOwner {
  event(tried: TextTry, event: GenerateEvent): void
  relayed(tried: TextTry, bytes: Buffer, seen: RelaySeen): void
  answer(tried: TextTry, answer: NeutralAnswer | Buffer): void
  settled(tried: TextTry, outcome: TextOutcome): void
}

type Held = GenerateEvent | { readonly bytes: Buffer; readonly seen: RelaySeen }

/** One upstream that was asked: what it said so far, and what it holds (a replica, a place). */
export class TextTry implements TextSink {
  readonly upstreamId: string
  readonly startedMs: number
  readonly member: PoolMember<Upstream> | undefined
  place: GatePlace | undefined
  /** Somebody took the question; content may still be long in coming. */
  isAccepted = false
  hadContent = false
  /** It is the one whose words the client gets. */
  isShown = false
  isSettled = false
  /** Asked beside another, which had no content for too long. */
  isHedge = false
  providerModel: string | null = null
  upstreamRequestId: string | null = null
  /** What came while another try may yet be the one that answers, and how much of it. */
  held: Held[] | undefined
  heldBytes = 0
  readonly #owner: TryOwner
  #account: string | null = null
  #exchange: TextExchange | undefined

  constructor(
    owner: TryOwner,
    upstreamId: string,
    startedMs: number,
    member: PoolMember<Upstream> | undefined,
    place: GatePlace | undefined,
  ) {
    this.#owner = owner
    this.upstreamId = upstreamId
    this.startedMs = startedMs
    this.member = member
    this.place = place
  }

  /** Whose key or region it is at, as far as it is known. */
  get account(): string | null {
    return this.#account ?? this.#exchange?.account ?? null
  }

  /** Throws `UnsupportedFeature` and what else the upstream cannot be asked; then nothing was sent. */
  start(upstream: TextUpstream, call: TextCall): void {
    this.#exchange = upstream.start(call, this)
  }

  pause(): void {
    this.#exchange?.pause()
  }

  resume(): void {
    this.#exchange?.resume()
  }

  cancel(): void {
    if (!this.isSettled) this.#exchange?.cancel()
  }

  hold(what: Held, bytes: number): void {
    this.held?.push(what)
    this.heldBytes += bytes
  }

  accepted(by: AcceptedBy): void {
    this.isAccepted = true
    this.#account = by.account
    this.upstreamRequestId = by.upstreamRequestId
    this.providerModel = by.providerModel ?? this.providerModel
  }

  event(event: GenerateEvent): void {
    if (!this.isSettled) this.#owner.event(this, event)
  }

  relayed(bytes: Buffer, seen: RelaySeen): void {
    if (!this.isSettled) this.#owner.relayed(this, bytes, seen)
  }

  answer(answer: NeutralAnswer | Buffer): void {
    if (!this.isSettled) this.#owner.answer(this, answer)
  }

  settled(outcome: TextOutcome): void {
    if (this.isSettled) return
    this.isSettled = true
    this.#account = outcome.account ?? this.#account
    this.providerModel = outcome.providerModel ?? this.providerModel
    this.#owner.settled(this, outcome)
  }
}
