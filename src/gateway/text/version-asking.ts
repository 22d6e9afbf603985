import { UnsupportedFeature } from '../../dialects/index.ts'
import type { TextCall, TextFailure, TextOutcome, TextUpstream, Upstream } from '../../providers/index.ts'
import type { GatePlace, GateRefusal, PoolMember } from '../../routing/index.ts'
import type { GatewayVersion } from '../gateway-table.ts'
import type { Asker, AskParts } from './asker.ts'
import type { AttemptLog } from './attempt-log.ts'
import type { PlaceSeeker } from './load-gate.ts'
import type { HedgeEnd, VersionLoad } from './loads.ts'
import type { RungStep } from './parts.ts'
import { notText, UNREADY } from './rung-failures.ts'
import { TextTry } from './text-try.ts'
import { type TextVersion, textOf } from './text-version.ts'
import { type RaceOwner, TryRace } from './try-race.ts'

const HOLD_STEP_MS = 20
/** About so many characters make a token; only replicas of one version are compared by it. */
const CHARACTERS_PER_TOKEN = 4
/** Fields that one request may have dropped, one at a time. */
const MAX_DROPS = 64

/** Exactly one of `answered`, `failed`, `unasked`, `refused` and `shed` comes, unless it was cancelled in a queue. */
export interface VersionOwner {
  readonly isCancelled: boolean
  readonly isPaused: boolean
  maySwitch(failure: TextFailure): boolean
  answered(outcome: TextOutcome): void
  failed(failure: TextFailure, outcome: TextOutcome | undefined): void
  unasked(failure: TextFailure): void
  refused(error: unknown): void
  shed(refusal: GateRefusal): void
  loserLeft(): void
  loserSettled(): void
}

/**
 * A question asked of one version (`TryRace` has what is between two tries):
 *
 * begun ─▶ a place ─▶ a replica ─▶ tried ─┬─ fine ──────────────────────────────▶ answered
 *          (waits,     (waits)      ▲     ├─ lost or full, before content ─▶ another replica
 *           or shed)                │     └─ failed ────────────────────────────▶ failed
 *                                   └─ no content for long: tried twice at once
 */
export class VersionAsking implements RaceOwner, PlaceSeeker {
  version: GatewayVersion | undefined
  readonly rank: number
  readonly deadlineMs: number
  readonly #parts: AskParts
  readonly #asker: Asker
  readonly #step: Extract<RungStep, { kind: 'version' }>
  readonly #log: AttemptLog
  readonly #owner: VersionOwner
  readonly #beganMs: number
  #text: TextVersion | undefined
  #load: VersionLoad | undefined
  #isQueued = false
  #place: GatePlace | undefined
  #triedMembers: PoolMember<Upstream>[] | undefined
  /** What the last replica said that turned it away, where that is worth telling. */
  #turnedAway: TextFailure | undefined
  #drops = 0
  readonly #race: TryRace

  constructor(
    parts: AskParts,
    asker: Asker,
    step: Extract<RungStep, { kind: 'version' }>,
    log: AttemptLog,
    owner: VersionOwner,
  ) {
    this.#parts = parts
    this.#asker = asker
    this.#step = step
    this.#log = log
    this.#owner = owner
    this.rank = asker.rank
    this.deadlineMs = asker.startedMs + asker.timeoutMs
    this.#beganMs = parts.clock.monotonicMs()
    this.#race = new TryRace(asker, this, parts.bounds.text)
  }

  /** Whoever answers, or was tried last. */
  get shown(): TextTry | undefined {
    return this.#race.lead
  }

  get isAccepted(): boolean {
    return this.#race.isAccepted
  }

  begin(): void {
    if (!this.#look()) return
    this.#load = this.#parts.loads.of(this.#step.model, this.#step.version)
    const answer = this.#load?.gate?.enter(this)
    if (answer === undefined) this.#open()
    else if (answer === 'queued') this.#isQueued = true
    else if ('reason' in answer) this.notPlaced(answer)
    else this.placed(answer)
  }

  placed(place: GatePlace): void {
    this.#isQueued = false
    this.#place = place
    this.#open()
  }

  notPlaced(refusal: GateRefusal): void {
    this.#isQueued = false
    this.#load?.countRefusal(this.rank, refusal)
    this.#owner.shed(refusal)
  }

  pause(): void {
    for (const tried of this.#race.running) tried.pause()
  }

  resume(): void {
    for (const tried of this.#race.running) tried.resume()
  }

  /** Whether something runs that will settle; else it is over with this. */
  cancel(): boolean {
    if (this.#isQueued) this.#load?.gate?.leave(this)
    this.#isQueued = false
    this.#giveBack()
    return this.#race.cancel()
  }

  giveUp(): void {
    this.#race.giveUp()
  }

  // ── of the race ───────────────────────────────────────────────────────────────────────────────────────────────────

  firstContent(tried: TextTry): void {
    const nowMs = this.#parts.clock.monotonicMs()
    if (tried.place !== undefined) this.#load?.gate?.firstContent(tried.place)
    this.#load?.hedges?.firstContent(nowMs - tried.startedMs, nowMs)
  }

  hedged(end: HedgeEnd): void {
    if (this.#load !== undefined) this.#load.hedged[end]++
  }

  loserLeft(): void {
    this.#owner.loserLeft()
  }

  loserSettled(): void {
    this.#owner.loserSettled()
  }

  settled(tried: TextTry, outcome: TextOutcome): void {
    const { failure } = outcome
    if (failure !== undefined && (this.#mayDrop(failure) || this.#mayAskAnother(failure))) {
      this.#turnedAway = failure.class === 'overloaded' ? failure : undefined
      // The place is kept for the next one.
      this.#place = tried.place
      tried.place = undefined
      this.ended(tried, failure)
      this.#open()
      return
    }
    // What was held is the client's before it hears of the end.
    if (failure !== undefined && !this.#owner.maySwitch(failure)) this.#race.flush(tried)
    this.ended(tried, failure)
    if (failure === undefined) this.#owner.answered(outcome)
    else this.#owner.failed(failure, outcome)
  }

  // ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** In the table of now: replicas come and go while it waits. */
  #look(): boolean {
    const { model, version: label } = this.#step
    const version = this.#parts.table().models.get(model)?.versions.get(label)
    if (version?.text === undefined) {
      this.#giveBack()
      this.#owner.unasked({ ...UNREADY, detail: `${model} ${label} is not served here` })
      return false
    }
    this.version = version
    this.#text = version.text
    return true
  }

  #open(): void {
    if (!this.#look()) return
    const { provider, remote } = this.#text as TextVersion
    if (remote !== undefined) this.#start(remote, undefined)
    else if (provider !== null)
      this.#unasked({ ...UNREADY, code: 'provider_unready', detail: 'it is not configured here' })
    else this.#pickReplica(this.version as GatewayVersion)
  }

  #pickReplica(version: GatewayVersion): void {
    const { bounds, clock } = this.#parts
    const nowMs = clock.monotonicMs()
    const member = version.pool.pick(nowMs, this.#triedMembers, this.#expectedTokens())
    if (member !== undefined) {
      const upstream = textOf(member.replica)
      if (upstream !== undefined) this.#start(upstream, member)
      else {
        this.#release(member, undefined)
        this.#giveBack()
        this.#owner.refused(notText(this.#text as TextVersion, version.label))
      }
      return
    }
    if (this.#turnedAway !== undefined) {
      this.#giveBack()
      this.#owner.failed(this.#turnedAway, undefined)
      return
    }
    // As rows do: while replicas connect or one is replaced, a moment later somebody can answer.
    const untilMs = this.#beganMs + Math.min(bounds.holdUnreadyMs, this.#asker.timeoutMs)
    const mayWait = version.pool.members.length > 0 && this.#triedMembers === undefined
    if (mayWait && nowMs + HOLD_STEP_MS <= untilMs) setTimeout(openAgain, HOLD_STEP_MS, this)
    else this.#unasked({ ...UNREADY, detail: 'no replica is ready' })
  }

  /** For the timer of a held request. */
  openAgain(): void {
    if (!this.#owner.isCancelled) this.#open()
  }

  #start(upstream: TextUpstream, member: PoolMember<Upstream> | undefined): void {
    const tried = this.#newTry(upstream, member, this.#place)
    this.#place = undefined
    const hedgeAfterMs = this.#hedgeAfterMs()
    if (hedgeAfterMs !== undefined) tried.held = []
    this.#race.begin(tried)
    for (let drops = 0; ; drops++) {
      try {
        tried.start(upstream, this.#call(upstream))
        break
      } catch (error) {
        const isUnsaid = error instanceof UnsupportedFeature
        if (isUnsaid && drops < MAX_DROPS && this.#asker.drop(error.feature)) continue
        tried.isSettled = true
        this.ended(tried, undefined, 'unused')
        this.#owner.refused(error)
        return
      }
    }
    if (this.#owner.isPaused) tried.pause()
    if (hedgeAfterMs !== undefined) this.#race.joinAfter(hedgeAfterMs)
  }

  /** Streams only: of a whole answer nobody knows how long it should take. */
  #hedgeAfterMs(): number | undefined {
    const { isStream, mayFallBack, mayHedge, subject } = this.#asker
    const hedges = this.#load?.hedges
    if (hedges === undefined || !isStream || !mayFallBack || !mayHedge) return undefined
    if (subject.operation !== 'generate') return undefined
    return hedges.request(this.#parts.clock.monotonicMs())
  }

  /** The first has no content for longer than nearly all lately had: another is asked beside it, where there is room. */
  due(lead: TextTry): void {
    if (this.#owner.isCancelled || !this.#asker.mayFallBack) return
    const load = this.#load as VersionLoad
    const place = load.gate?.spare(this.rank)
    if (load.gate !== undefined && place === undefined) return
    const other = this.#otherUpstream(lead)
    if (other === undefined || load.hedges?.take() !== true) {
      if (place !== undefined) load.gate?.ended(place, 'unused')
      if (other?.member !== undefined) this.#release(other.member, undefined)
      return
    }
    const tried = this.#newTry(other.upstream, other.member, place)
    tried.isHedge = true
    tried.held = []
    try {
      tried.start(other.upstream, this.#call(other.upstream, lead.account ?? undefined))
    } catch {
      // It took the same question once; that it does not now is for the first to answer.
      tried.isSettled = true
      this.ended(tried, undefined, 'unused')
      return
    }
    this.#race.join(tried)
    if (this.#owner.isPaused) tried.pause()
  }

  #otherUpstream(
    lead: TextTry,
  ): { upstream: TextUpstream; member: PoolMember<Upstream> | undefined } | undefined {
    const remote = this.#text?.remote
    if (remote !== undefined) return remote.isReady ? { upstream: remote, member: undefined } : undefined
    const { pool } = this.version as GatewayVersion
    const used = [...(this.#triedMembers ?? []), ...(lead.member === undefined ? [] : [lead.member])]
    const member = pool.pick(this.#parts.clock.monotonicMs(), used, this.#expectedTokens())
    if (member === undefined) return undefined
    const upstream = textOf(member.replica)
    if (upstream !== undefined && member !== lead.member) return { upstream, member }
    this.#release(member, undefined)
    return undefined
  }

  #call(upstream: TextUpstream, avoidAccount?: string): TextCall {
    const asker = this.#asker
    const text = this.#text as TextVersion
    return {
      work: asker.workFor(text, upstream),
      stream: asker.isStream,
      modelName: text.modelName,
      timeouts: this.#timeouts(text),
      hideUsage: asker.hidesUsage,
      priority: asker.rank,
      requestId: asker.subject.requestId,
      ...(avoidAccount === undefined ? {} : { avoidAccount }),
    }
  }

  #newTry(
    upstream: TextUpstream,
    member: PoolMember<Upstream> | undefined,
    place: GatePlace | undefined,
  ): TextTry {
    return new TextTry(this.#race, upstream.id, this.#parts.clock.monotonicMs(), member, place)
  }

  /** A deadline that the client named bounds what is left of this try; otherwise the provider's own bounds are enough. */
  #timeouts(text: TextVersion) {
    const asker = this.#asker
    if (!asker.isTimeoutAsked) return text.timeouts
    const leftMs = Math.max(1, this.deadlineMs - this.#parts.clock.monotonicMs())
    return { ...text.timeouts, totalMs: Math.min(text.timeouts.totalMs, Math.ceil(leftMs)) }
  }

  /** Question and answer, as far as can be told before. */
  #expectedTokens(): number {
    const { glance, version } = this.#asker.subject
    const { assumedOutputTokens } = this.#parts.bounds.text
    const output = glance.maxOutputTokens ?? version.text?.sampling?.maxOutputTokens ?? assumedOutputTokens
    return 1 + Math.ceil(glance.promptCharacters / CHARACTERS_PER_TOKEN) + output
  }

  // ── the end of a try ──────────────────────────────────────────────────────────────────────────────────────────────

  #unasked(failure: TextFailure): void {
    this.#giveBack()
    this.#owner.unasked(failure)
  }

  /** An engine of ours tells only when it is asked what it does not have; nothing was done then. */
  #mayDrop({ feature, hadContent }: TextFailure): boolean {
    if (feature === undefined || hadContent || this.#owner.isCancelled || this.#drops >= MAX_DROPS)
      return false
    this.#drops++
    return this.#asker.drop(feature)
  }

  /** A replica that went away, or is full, is no fault of the version: another one of the same rung is asked first. */
  #mayAskAnother(failure: TextFailure): boolean {
    if (this.#owner.isCancelled || this.#text?.remote !== undefined) return false
    if (!this.#owner.maySwitch(failure) || !isOfReplica(failure)) return false
    return (this.#triedMembers?.length ?? 0) < this.#parts.bounds.maxRetries
  }

  /** What it had of a replica and of the gate is given back. */
  ended(tried: TextTry, failure: TextFailure | undefined, how?: 'unused'): void {
    if (tried.member !== undefined) this.#release(tried.member, failure)
    const { place } = tried
    tried.place = undefined
    if (place !== undefined)
      this.#load?.gate?.ended(place, how ?? (isOfLoad(failure) ? 'overloaded' : 'answered'))
  }

  #giveBack(): void {
    const place = this.#place
    this.#place = undefined
    if (place !== undefined) this.#load?.gate?.ended(place, 'unused')
  }

  #release(member: PoolMember<Upstream>, failure: TextFailure | undefined): void {
    const isLost = failure?.code === 'replica_lost' || failure?.code === 'replica_unready'
    const nowMs = this.#parts.clock.monotonicMs()
    this.version?.pool.release(member, isLost ? 'unreachable' : 'answered', nowMs, this.#expectedTokens())
    if (failure !== undefined && isOfReplica(failure)) {
      this.#triedMembers ??= []
      this.#triedMembers.push(member)
    }
  }

  note(tried: TextTry, outcome: TextOutcome): void {
    const { clock, pricer } = this.#parts
    const by = {
      rung: this.#step.name,
      version: this.version?.label ?? '',
      text: this.#text as TextVersion,
      account: tried.account,
      // The time in the queue and with another replica is another's; the first try has all of it.
      tookMs: clock.monotonicMs() - tried.startedMs,
      atMs: clock.nowMs(),
    }
    this.#log.tried(outcome, by, pricer)
    const { failure, spent } = outcome
    // Of a whole answer only a replica of ours can say how long it was until its first token.
    if (failure === undefined && spent !== undefined && !tried.hadContent && tried.place !== undefined)
      this.#load?.gate?.firstContent(tried.place, (spent.queueUs + spent.prefillUs) / 1000)
  }
}

function openAgain(asking: VersionAsking): void {
  asking.openAgain()
}

/** It says nothing about the version: another replica may well answer. */
function isOfReplica({ class: kind, code }: TextFailure): boolean {
  return code === 'replica_lost' || code === 'replica_unready' || kind === 'overloaded'
}

/** It was turned away for load, or nothing came in time. */
function isOfLoad(failure: TextFailure | undefined): boolean {
  if (failure === undefined || failure.hadContent) return false
  return failure.class === 'overloaded' || failure.class === 'rate-limited' || failure.class === 'timeout'
}
