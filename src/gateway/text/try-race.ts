import type { GenerateEvent } from '../../contracts/index.ts'
import type { RelaySeen, TextFailure, TextOutcome } from '../../providers/index.ts'
import type { TextCallLimits } from '../limits.ts'
import type { Asker } from './asker.ts'
import { EVENT_BYTES, isContent } from './content.ts'
import type { NeutralAnswer } from './endpoint.ts'
import type { HedgeEnd } from './loads.ts'
import { unsettled } from './rung-failures.ts'
import type { TextTry, TryOwner } from './text-try.ts'

export interface RaceOwner {
  /** The time to ask another has come, and the first still has no content. */
  due(lead: TextTry): void
  firstContent(tried: TextTry): void
  hedged(end: HedgeEnd): void
  /** How a try ended, whichever it was: once each. */
  note(tried: TextTry, outcome: TextOutcome): void
  /** One that does not decide on the question ended: what it holds is given back. */
  ended(tried: TextTry, failure: TextFailure | undefined): void
  /** The last one of the question settled; what it holds is the owner's to give back. */
  settled(tried: TextTry, outcome: TextOutcome): void
  loserLeft(): void
  loserSettled(): void
}

/**
 * One try of a question, or two:
 *
 * lead ──no content until it is due──▶ lead and hedge ──first content of either──▶ that one shown, the other cancelled
 *   │                                     └── one fails before content ──▶ the other alone
 *   └── content ──▶ shown
 *
 * While there may be two, what comes before content is held back, so that nothing is mixed. The one cancelled is waited
 * for, so that what it used is noted, but not for ever.
 */
export class TryRace implements TryOwner {
  /** Whoever answers, or was tried last. */
  lead: TextTry | undefined
  readonly #asker: Asker
  readonly #owner: RaceOwner
  readonly #bounds: TextCallLimits
  #hedge: TextTry | undefined
  #loser: TextTry | undefined
  #dueTimer: NodeJS.Timeout | undefined
  #graceTimer: NodeJS.Timeout | undefined

  constructor(asker: Asker, owner: RaceOwner, bounds: TextCallLimits) {
    this.#asker = asker
    this.#owner = owner
    this.#bounds = bounds
  }

  get isAccepted(): boolean {
    return this.lead?.isAccepted === true || this.#hedge?.isAccepted === true
  }

  get running(): TextTry[] {
    return [this.#hedge, this.#loser, this.lead].filter(
      (tried): tried is TextTry => tried !== undefined && !tried.isSettled,
    )
  }

  begin(lead: TextTry): void {
    this.lead = lead
  }

  joinAfter(afterMs: number): void {
    this.#dueTimer = setTimeout(dueNow, afterMs, this)
  }

  join(hedge: TextTry): void {
    this.#hedge = hedge
  }

  /** For the timer. */
  due(): void {
    if (this.lead?.isSettled === false && !this.lead.isShown) this.#owner.due(this.lead)
  }

  /** Whether something runs that decides on the question and will settle. */
  cancel(): boolean {
    clearTimeout(this.#dueTimer)
    for (const tried of this.running) tried.cancel()
    return this.lead?.isSettled === false
  }

  giveUp(): void {
    for (const tried of this.running)
      tried.settled(unsettled(tried.hadContent || !this.#asker.mayFallBack, tried.providerModel))
  }

  event(tried: TextTry, event: GenerateEvent): void {
    if (tried === this.#loser) return
    if (isContent(event)) this.#content(tried)
    if (tried.held === undefined) this.#asker.event(event)
    else this.#hold(tried, event, EVENT_BYTES)
  }

  relayed(tried: TextTry, bytes: Buffer, seen: RelaySeen): void {
    if (tried === this.#loser) return
    if (seen.hasContent) this.#content(tried)
    if (tried.held === undefined) this.#asker.relayed(bytes, seen)
    else this.#hold(tried, { bytes, seen }, bytes.length)
  }

  answer(tried: TextTry, answer: NeutralAnswer | Buffer): void {
    if (tried === this.#loser) return
    // How long a whole answer takes to generate says how long it is, not how long it waited.
    if (this.#asker.subject.operation !== 'generate') this.#content(tried)
    this.#asker.answer(answer)
  }

  settled(tried: TextTry, outcome: TextOutcome): void {
    const { failure } = outcome
    this.#owner.note(tried, outcome)
    if (tried === this.#loser) {
      this.#loser = undefined
      clearTimeout(this.#graceTimer)
      this.#owner.ended(tried, failure)
      this.#owner.loserSettled()
      return
    }
    // An answer without any content is one too.
    if (failure === undefined) this.#show(tried)
    const other = tried === this.#hedge ? this.lead : this.#hedge
    if (tried.isHedge && !tried.isShown) this.#owner.hedged('failed')
    this.#hedge = undefined
    if (other === undefined || other.isSettled) {
      clearTimeout(this.#dueTimer)
      this.#owner.settled(tried, outcome)
    } else {
      this.lead = other
      this.#owner.ended(tried, failure)
    }
  }

  /** What was held goes out, in order. */
  flush(tried: TextTry): void {
    const { held } = tried
    if (held === undefined) return
    tried.held = undefined
    for (const what of held)
      if ('bytes' in what) this.#asker.relayed(what.bytes, what.seen)
      else this.#asker.event(what)
  }

  #content(tried: TextTry): void {
    if (tried.hadContent) return
    tried.hadContent = true
    this.#owner.firstContent(tried)
    this.#show(tried)
  }

  #hold(tried: TextTry, what: GenerateEvent | { bytes: Buffer; seen: RelaySeen }, bytes: number): void {
    tried.hold(what, bytes)
    if (tried.heldBytes > this.#bounds.holdBackBytes) this.#show(tried)
  }

  /** This one it is: the other is cancelled, and what this one said so far goes out. */
  #show(tried: TextTry): void {
    if (tried.isShown) return
    tried.isShown = true
    clearTimeout(this.#dueTimer)
    const other = tried === this.#hedge ? this.lead : this.#hedge
    this.lead = tried
    this.#hedge = undefined
    if (tried.isHedge) this.#owner.hedged('won')
    if (other !== undefined && !other.isSettled) this.#lose(other)
    this.flush(tried)
  }

  #lose(loser: TextTry): void {
    if (loser.isHedge) this.#owner.hedged('lost')
    this.#loser = loser
    this.#owner.loserLeft()
    this.#graceTimer = setTimeout(letGo, this.#bounds.settleGraceMs, loser)
    loser.held = undefined
    loser.cancel()
  }
}

function dueNow(race: TryRace): void {
  race.due()
}

/** It was cancelled and does not settle; what it used will not be known. */
function letGo(loser: TextTry): void {
  loser.settled(unsettled(loser.hadContent, loser.providerModel))
}
