import type { LeaseAnswer, LeaseAsk, LeaseExchange, LeaseGrant, LeaseLaw } from '../../contracts/index.ts'
import { calendarSpan, grantOf, leaseMsOf, rateOf, SCARCE_MS, SESSION_MS } from './lease-law.ts'

/** What a calendar account has used; the only thing that must outlive the process. */
export interface CalendarCount {
  readonly id: string
  /** Of the span, epoch ms. */
  readonly startMs: number
  readonly endMs: number
  readonly used: number
}

interface Counted {
  /** `rate`: when the bucket would be full again, monotonic ms. */
  fullAtMs: number
  startMs: number
  endMs: number
  used: number
  /** Until then some of what is used up may still come back. */
  lentUntilMs: number
  readonly holders: Map<string, { holds: number; untilMs: number }>
  scarceUntilMs: number
}

interface Session {
  sequence: number
  answer: LeaseAnswer
  seenMs: number
}

export interface AuthorityTime {
  /** Rates, leases and sessions go by this. */
  readonly monotonicMs: number
  /** Days and months by this. */
  readonly nowMs: number
}

const MAX_ACCOUNTS = 100_000
const MAX_SESSIONS = 10_000

/**
 * Who counts for all gateways: what a lease grants is used up here until it is released. A message counts once, however
 * often it is sent; one of a session that is not remembered (this was started anew, or the gateway was silent for
 * `SESSION_MS`) takes and owes, but gives nothing back, since that may have been counted already. `redis-script.ts` says
 * the same in Lua; one suite holds the two together.
 */
export class LeaseBook {
  readonly #accounts = new Map<string, Counted>()
  readonly #sessions = new Map<string, Session>()

  constructor(counts: Iterable<CalendarCount> = []) {
    for (const { endMs, id, startMs, used } of counts)
      this.#accounts.set(id, { ...fresh(), startMs, endMs, used })
  }

  /** `counts`: the calendar accounts that moved; to be kept before the answer is given. */
  exchange(message: LeaseExchange, time: AuthorityTime): { answer: LeaseAnswer; counts: CalendarCount[] } {
    const { asks, sequence, session } = message
    const known = this.#sessionOf(session, time.monotonicMs)
    if (known !== undefined && known.sequence >= sequence) {
      known.seenMs = time.monotonicMs
      // A late copy of an older message has nobody who waits for its answer.
      return {
        answer: known.sequence === sequence ? known.answer : { sequence, grants: asks.map(() => NOTHING) },
        counts: [],
      }
    }
    const isNext = known?.sequence === sequence - 1
    const counts: CalendarCount[] = []
    const grants = asks.map((ask) => {
      const account = this.#accountOf(ask.id, time)
      const grant = exchangeOne(account, isNext ? ask : { ...ask, release: 0 }, session, time)
      if (ask.law.kind === 'calendar') {
        const { endMs, startMs, used } = account
        counts.push({ id: ask.id, startMs, endMs, used })
      }
      return grant
    })
    const answer = { sequence, grants }
    this.#remember(session, { sequence, answer, seenMs: time.monotonicMs }, time.monotonicMs)
    return { answer, counts }
  }

  #sessionOf(name: string, monotonicMs: number): Session | undefined {
    const known = this.#sessions.get(name)
    return known === undefined || monotonicMs - known.seenMs >= SESSION_MS ? undefined : known
  }

  #accountOf(id: string, time: AuthorityTime): Counted {
    const known = this.#accounts.get(id)
    if (known !== undefined) return known
    if (this.#accounts.size >= MAX_ACCOUNTS) this.#forgetIdle(time)
    const account = fresh()
    this.#accounts.set(id, account)
    return account
  }

  /** What stands as a new account would. Where all are in use the map grows on: forgetting would grant anew. */
  #forgetIdle({ monotonicMs, nowMs }: AuthorityTime): void {
    for (const [id, { endMs, fullAtMs, holders }] of this.#accounts) {
      const isHeld = [...holders.values()].some(({ untilMs }) => untilMs > monotonicMs)
      if (fullAtMs <= monotonicMs && endMs <= nowMs && !isHeld) this.#accounts.delete(id)
    }
  }

  #remember(name: string, session: Session, monotonicMs: number): void {
    this.#sessions.delete(name)
    this.#sessions.set(name, session)
    for (const [oldest, { seenMs }] of this.#sessions) {
      if (this.#sessions.size <= MAX_SESSIONS && monotonicMs - seenMs < SESSION_MS) break
      this.#sessions.delete(oldest)
    }
  }
}

const NOTHING: LeaseGrant = {
  granted: 0,
  leaseMs: 0,
  left: 0,
  waitMs: 0,
  epoch: 0,
  renewsMs: 0,
  lost: 0,
  scarce: false,
}

function fresh(): Counted {
  return {
    fullAtMs: Number.NEGATIVE_INFINITY,
    startMs: Number.NEGATIVE_INFINITY,
    endMs: Number.NEGATIVE_INFINITY,
    used: 0,
    lentUntilMs: Number.NEGATIVE_INFINITY,
    holders: new Map(),
    scarceUntilMs: Number.NEGATIVE_INFINITY,
  }
}

function exchangeOne(account: Counted, ask: LeaseAsk, session: string, time: AuthorityTime): LeaseGrant {
  const { law } = ask
  const wasScarce = account.scarceUntilMs > time.monotonicMs
  const outcome =
    law.kind === 'rate'
      ? exchangeRate(account, law, ask, wasScarce, time.monotonicMs)
      : law.kind === 'calendar'
        ? exchangeCalendar(account, law, ask, wasScarce, time.nowMs)
        : exchangePlaces(account, law, ask, wasScarce, session, time.monotonicMs)
  if (outcome.granted < ask.need) account.scarceUntilMs = time.monotonicMs + SCARCE_MS
  const scarce = account.scarceUntilMs > time.monotonicMs
  return { ...NOTHING, leaseMs: leaseMsOf(law), ...outcome, scarce }
}

type Outcome = Pick<LeaseGrant, 'granted' | 'left' | 'waitMs'> & Partial<LeaseGrant>

function exchangeRate(
  account: Counted,
  law: Extract<LeaseLaw, { kind: 'rate' }>,
  ask: LeaseAsk,
  isScarce: boolean,
  nowMs: number,
): Outcome {
  const { burstMs, intervalMs } = rateOf(law)
  // More debt than one bucket's worth is forgiven: one answer that nobody could foresee must not lock the door for hours.
  const latestMs = nowMs + 2 * burstMs
  const owed = ask.owe - ask.release
  let fullAtMs = Math.min(Math.max(account.fullAtMs, nowMs) + owed * intervalMs, latestMs)
  const exact = (nowMs + burstMs - Math.max(fullAtMs, nowMs)) / intervalMs
  const available = Math.max(0, Math.floor(exact + 1e-9))
  const granted = grantOf(available, ask, isScarce)
  fullAtMs = Math.max(fullAtMs, nowMs) + granted * intervalMs
  account.fullAtMs = fullAtMs
  const isRefused = granted < ask.first
  const isNever = ask.first > Math.floor(burstMs / intervalMs + 1e-9)
  const waitMs = isNever ? -1 : Math.max(1, Math.ceil((ask.first - exact) * intervalMs))
  return { granted, left: available - granted, waitMs: isRefused ? waitMs : 0 }
}

function exchangeCalendar(
  account: Counted,
  law: Extract<LeaseLaw, { kind: 'calendar' }>,
  ask: LeaseAsk,
  isScarce: boolean,
  nowMs: number,
): Outcome {
  // Back over a turn and forth again must not grant a span twice.
  if (nowMs >= account.endMs) Object.assign(account, calendarSpan(law.span, nowMs), { used: 0 })
  account.used = Math.max(0, account.used + ask.owe - ask.release)
  const available = Math.max(0, law.limit - account.used)
  const granted = grantOf(available, ask, isScarce)
  account.used += granted
  const renewsMs = account.endMs - nowMs
  // Where nothing can come back any more, it is the next day or month that has some.
  const isLent = account.lentUntilMs > nowMs
  if (granted > 0) account.lentUntilMs = nowMs + leaseMsOf(law)
  const waitMs = isLent ? Math.min(LENT_WAIT_MS, renewsMs) : renewsMs
  return {
    granted,
    left: available - granted,
    waitMs: granted >= ask.first ? 0 : ask.first > law.limit ? -1 : waitMs,
    leaseMs: Math.min(leaseMsOf(law), renewsMs),
    epoch: account.startMs,
    renewsMs,
  }
}

function exchangePlaces(
  account: Counted,
  law: Extract<LeaseLaw, { kind: 'places' }>,
  ask: LeaseAsk,
  isScarce: boolean,
  session: string,
  nowMs: number,
): Outcome {
  let others = 0
  for (const [holder, { holds, untilMs }] of account.holders) {
    if (untilMs <= nowMs) account.holders.delete(holder)
    else if (holder !== session) others += holds
  }
  const available = Math.max(0, law.limit - others - ask.holds)
  const granted = grantOf(available, ask, isScarce)
  const holds = ask.holds + granted
  if (holds === 0) account.holders.delete(session)
  else account.holders.set(session, { holds, untilMs: nowMs + leaseMsOf(law) })
  const waitMs = granted >= ask.first ? 0 : ask.first > law.limit ? -1 : PLACE_WAIT_MS
  const lost = Math.max(0, ask.holds - Math.max(0, law.limit - others))
  return { granted, left: available - granted, waitMs, lost }
}

/** Others hold some of it that they may not use. */
const LENT_WAIT_MS = 1000
/** Nobody knows when a place is free; clients are told a round figure. */
const PLACE_WAIT_MS = 100
