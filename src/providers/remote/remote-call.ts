import type { Dispatcher } from 'undici'
import type { Provider, ProviderTimeouts } from '../../contracts/index.ts'
import type { Clock, Random } from '../../kernel/index.ts'
import type { TextCall, TextExchange, TextOutcome, TextSink } from '../text/text-upstream.ts'
import type { Account, AccountPool, TryVerdict } from './account-pool.ts'
import type { Credential } from './auth/credential.ts'
import type { Found } from './codecs.ts'
import type { ProviderRow } from './kind-row.ts'
import type { Place } from './place.ts'
import type { RemotePolicy } from './policy.ts'
import type { Prepared } from './prepared.ts'
import { type AnswerHeaders, headroomOf, usedUpFor } from './rate-headers.ts'
import { nothingFound } from './reading.ts'
import { retryAt } from './retry-at.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { Tally } from './tally.ts'
import { Try, type TryEnd, type TryOwner } from './try.ts'
import {
  failureOfBroken,
  failureOfCancel,
  failureOfCrowd,
  failureOfDeadline,
  failureOfError,
  failureOfHead,
  failureOfProblem,
  failureOfProof,
  failureOfSilence,
  type TryFailure,
} from './try-failure.ts'

/** One key or region, as a call uses it. */
export interface RemoteAccount {
  readonly name: string
  readonly weight: number
  readonly place: Place
  readonly credential: Credential
  readonly connections: Dispatcher
  readonly tally: Tally
}

type Picked = Account<RemoteAccount>

/** What calls of one provider share. */
export interface CallParts {
  readonly provider: Provider
  readonly row: ProviderRow
  readonly policy: RemotePolicy
  readonly clock: Clock
  readonly random: Random
  readonly pool: AccountPool<RemoteAccount>
  readonly budget: RetryBudget
  /** Why nobody can be asked, in words, and when that may be over. */
  unready(): { readonly detail: string; readonly retryAfterMs: number | null }
  /** More calls are open than there are connections: who waits for one has itself to blame. */
  isCrowded(): boolean
  /** An account was given back, or rests now. */
  changed(account: Picked): void
  /** It waits until then; monotonic ms. */
  due(atMs: number): void
  settled(call: RemoteCall): void
}

type Earlier = TextOutcome['earlier'][number]

/**
 * One call, over all its tries:
 *
 * idle ──begin──▶ proving ──headers there──▶ trying ──fine──▶ over
 *                    ▲                         │ failed, before content, and somebody may be asked again
 *                    └──── waiting ◀───────────┘ else over with that failure
 *
 * One time is kept, `dueAtMs`: what it means follows from the state. Whatever is left over of an earlier try (a late
 * byte, a token) finds that it is not the current one.
 */
export class RemoteCall implements TextExchange, TryOwner {
  readonly id: number
  dueAtMs = Number.POSITIVE_INFINITY
  readonly sink: TextSink
  readonly #parts: CallParts
  readonly #call: TextCall
  readonly #prepared: Prepared
  readonly #timeouts: ProviderTimeouts
  readonly #totalAtMs: number
  #state: 'proving' | 'trying' | 'waiting' | 'over' = 'proving'
  #account: Picked | undefined
  #try: Try | undefined
  #tried: Picked[] = []
  #tries = 0
  #tryMs = 0
  #earlier: Earlier[] = []
  #last: TryFailure | undefined
  #isPaused = false
  #isCancelled = false
  #isDispatching = false

  constructor(id: number, parts: CallParts, call: TextCall, prepared: Prepared, sink: TextSink) {
    this.id = id
    this.#parts = parts
    this.#call = call
    this.#prepared = prepared
    this.sink = sink
    this.#timeouts = tighter(call.timeouts, parts.provider.timeouts)
    this.#totalAtMs = parts.clock.monotonicMs() + this.#timeouts.totalMs
    const { avoidAccount } = call
    if (avoidAccount !== undefined)
      this.#tried = parts.pool.accounts.filter(({ of }) => of.name === avoidAccount)
  }

  get account(): string | null {
    return this.#account?.of.name ?? null
  }

  begin(): void {
    this.#parts.budget.request(this.#nowMs())
    this.#attempt()
  }

  /** Instead of `begin`: nobody is asked. */
  turnAway(): void {
    this.#nobody()
  }

  pause(): void {
    this.#isPaused = true
    this.#try?.pause()
    // A slow client is no silence of the provider.
    if (this.#isTrying()) this.#wait(Number.POSITIVE_INFINITY)
  }

  resume(): void {
    this.#isPaused = false
    if (this.#isTrying())
      if (this.#try?.reading.hadContent === true) this.#waitIdle()
      else this.sent()
    this.#try?.resume()
  }

  cancel(): void {
    if (this.#state === 'over' || this.#isCancelled) return
    this.#isCancelled = true
    const status = this.#try?.status ?? 0
    this.#try?.stop()
    // The caller is still in the middle of what made it cancel.
    queueMicrotask(() => this.#fail(failureOfCancel(status)))
  }

  /** Its time has come. */
  due(nowMs: number): void {
    if (this.#state === 'over' || this.#isCancelled) return
    const attempt = this.#try
    const status = attempt?.status ?? 0
    if (nowMs >= this.#totalAtMs) {
      attempt?.stop()
      this.#fail(failureOfDeadline(this.#timeouts.totalMs, status))
    } else if (this.#state === 'waiting') this.#attempt()
    else if (attempt !== undefined) {
      const { connectMs, firstContentMs, idleMs } = this.#timeouts
      attempt.stop()
      if (attempt.phase === 'unsent')
        this.#tryFailed(
          this.#parts.isCrowded()
            ? failureOfCrowd(connectMs)
            : failureOfSilence('no connection', connectMs, 'unsent', 0),
        )
      else if (attempt.reading.hadContent || !this.#prepared.isStream)
        this.#tryFailed(failureOfSilence('nothing more', idleMs, attempt.phase, status))
      else this.#tryFailed(failureOfSilence('no content', firstContentMs, attempt.phase, status))
    }
  }

  // ── the current try tells ─────────────────────────────────────────────────────────────────────────────────────────

  sent(): void {
    const { firstContentMs } = this.#timeouts
    this.#wait(this.#prepared.isStream ? this.#nowMs() + firstContentMs : Number.POSITIVE_INFINITY)
  }

  accepted(headers: AnswerHeaders): void {
    const { clock, pool, row } = this.#parts
    const account = this.#account as Picked
    const usedUpMs = usedUpFor(headers, row.rates, clock.nowMs())
    const headroom = headroomOf(headers, row.rates)
    if (headroom.length > 0) account.headroom = { of: headroom, atMs: this.#nowMs() }
    if (usedUpMs !== null) pool.rest(account, usedUpMs, 'its rate is used up', this.#nowMs())
    this.sink.accepted({
      account: account.of.name,
      upstreamRequestId: requestIdIn(headers, row.requestIds),
      providerModel: null,
    })
  }

  moved(): void {
    const attempt = this.#try
    if (attempt === undefined || this.#isPaused) return
    if (attempt.reading.hadContent || !this.#prepared.isStream) this.#waitIdle()
  }

  ended(end: TryEnd): void {
    const attempt = this.#try
    if (attempt === undefined || this.#state !== 'trying' || this.#isCancelled) return
    if (this.#isDispatching) {
      // The caller has nothing in hand yet to hear of.
      queueMicrotask(() => this.ended(end))
      return
    }
    if (end.kind === 'fine') this.#fine(attempt)
    else this.#tryFailed(this.#failureOf(end, attempt))
  }

  // ── acts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #attempt(): void {
    const { pool } = this.#parts
    const nowMs = this.#nowMs()
    const account = pool.pick(nowMs, this.#tried) ?? pool.pick(nowMs)
    if (account === undefined) {
      this.#nobody()
      return
    }
    this.#account = account
    this.#try = undefined
    this.#tries++
    this.#tryMs = nowMs
    this.#state = 'proving'
    this.#wait(this.#totalAtMs)
    const { credential, place } = account.of
    const path = place.pathOf(this.#prepared.operation, this.#call.modelName) as string
    const proof = credential.headersFor({
      host: place.host,
      path,
      region: place.region,
      body: this.#prepared.body,
      headers: {
        'content-type': 'application/json',
        accept: this.#prepared.isStream ? this.#streamType : 'application/json',
        'accept-encoding': 'identity',
      },
    })
    if (!(proof instanceof Promise)) this.#send(account, path, proof)
    else {
      const tries = this.#tries
      const isCurrent = () => this.#state === 'proving' && this.#tries === tries && !this.#isCancelled
      proof.then(
        (headers) => isCurrent() && this.#send(account, path, headers),
        (error: Error) => isCurrent() && this.#tryFailed(failureOfProof(error.message)),
      )
    }
  }

  #send(account: Picked, path: string, headers: Record<string, string>): void {
    const attempt = new Try(this.#prepared, this.#streamType, this.#parts.policy, this)
    this.#try = attempt
    this.#state = 'trying'
    if (this.#isPaused) attempt.pause()
    this.#wait(this.#nowMs() + this.#timeouts.connectMs)
    this.#isDispatching = true
    account.of.connections.dispatch({ path, method: 'POST', headers, body: this.#prepared.body }, attempt)
    this.#isDispatching = false
  }

  #fine(attempt: Try): void {
    const { found } = attempt.reading
    const { name } = (this.#account as Picked).of
    this.#release({ kind: 'answered' }, undefined, found)
    this.#over(this.#outcomeOf(found, name))
  }

  /** Asks again where that is safe, allowed and of use; else this is how the call ends. */
  #tryFailed(failure: TryFailure): void {
    const { budget, policy, pool, provider, random } = this.#parts
    const account = this.#account as Picked
    const reading = this.#try?.reading
    const found = reading?.found ?? NO_TRY
    // A key that was changed in its file, or a token that ran out, is no fault of the account.
    const isRenewed = failure.class === 'auth' && account.of.credential.renew()
    const told: TryFailure = isRenewed
      ? { ...failure, verdict: { kind: 'answered' }, retry: 'anybody' }
      : failure
    this.#release(told.verdict, told, found)
    if (!isRenewed) this.#tried.push(account)
    const nowMs = this.#nowMs()
    const question = {
      failure: told,
      tried: this.#tried,
      tries: this.#tries,
      nowMs,
      totalAtMs: this.#totalAtMs,
    }
    const mayRetry = reading?.hadContent !== true && this.#tries <= provider.maxRetries
    const atMs = mayRetry ? retryAt(pool, question, policy, random) : undefined
    if (atMs === undefined || !budget.take(nowMs)) {
      this.#settle(told, found, reading?.hadContent === true, account.of.name)
      return
    }
    this.#earlier.push(this.#asEarlier(told, account.of.name, found))
    this.#last = told
    this.#try = undefined
    this.#state = 'waiting'
    if (atMs <= nowMs) this.#attempt()
    else this.#wait(atMs)
  }

  #failureOf(end: Exclude<TryEnd, { kind: 'fine' }>, attempt: Try): TryFailure {
    const { headers, phase, status } = attempt
    const { clock, row } = this.#parts
    switch (end.kind) {
      case 'error':
        return failureOfError(end.error, phase, status)
      case 'problem':
        return failureOfProblem(end.problem, headers, row.rates, clock.nowMs())
      case 'broken':
        return failureOfBroken(end.broken, headers, clock.nowMs())
      case 'no-answer':
        return failureOfHead(end.detail, status)
    }
  }

  /** Nobody takes requests: not at first, or not any more after a failure that is the better thing to tell. */
  #nobody(): void {
    const last = this.#last
    if (last !== undefined) {
      // Its try stands among the earlier ones, and was the last all the same.
      const { account, usage } = this.#earlier.pop() as Earlier
      this.#settle(last, { ...NO_TRY, ...(usage === undefined ? {} : { usage }) }, false, account)
      return
    }
    const { detail, retryAfterMs } = this.#parts.unready()
    const told: Told = { code: 'provider_unready', class: 'unready', status: 0, detail, retryAfterMs }
    queueMicrotask(() => this.#settle(told, NO_TRY, false, null))
  }

  /** Ends here, whatever might be asked again. */
  #fail(failure: TryFailure): void {
    if (this.#state === 'over') return
    const reading = this.#try?.reading
    const found = reading?.found ?? NO_TRY
    const account = this.#account
    if (account !== undefined) this.#release(failure.verdict, failure, found)
    this.#settle(failure, found, reading?.hadContent === true, account?.of.name ?? null)
  }

  #settle(failure: Told, found: Found, hadContent: boolean, account: string | null): void {
    const { class: kind, code, detail, retryAfterMs, status } = failure
    this.#over({
      ...this.#outcomeOf(found, account),
      failure: { code, class: kind, status, detail, retryAfterMs, hadContent },
    })
  }

  #outcomeOf(found: Found, account: string | null): TextOutcome {
    const { finishReason, providerModel, reportedCostUsd, usage } = found
    return {
      failure: undefined,
      account,
      usage,
      finishReason,
      providerModel,
      earlier: this.#earlier,
      reportedCostUsd,
    }
  }

  #over(outcome: TextOutcome): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.dueAtMs = Number.POSITIVE_INFINITY
    this.#try = undefined
    this.#parts.settled(this)
    this.sink.settled(outcome)
  }

  #release(verdict: TryVerdict, failure: TryFailure | undefined, found: Found): void {
    const account = this.#account as Picked
    account.of.tally.tried(failure?.class, found.usage)
    this.#parts.pool.release(account, verdict, this.#nowMs())
    this.#account = undefined
    this.#parts.changed(account)
  }

  #asEarlier({ code, status }: TryFailure, account: string, { usage }: Found): Earlier {
    // Turned away, or never reached: on no bill. Anything else may be.
    const isUnbilled = status >= 400 || code === 'provider_unready'
    return {
      provider: this.#parts.provider.name,
      account,
      status,
      code,
      tookMs: this.#nowMs() - this.#tryMs,
      ...(isUnbilled ? {} : { usage }),
    }
  }

  /** A request of it is on its way or being answered. */
  #isTrying(): boolean {
    return this.#state === 'trying' && this.#try?.phase !== 'unsent'
  }

  #waitIdle(): void {
    this.#wait(this.#nowMs() + this.#timeouts.idleMs)
  }

  #wait(atMs: number): void {
    this.dueAtMs = Math.min(atMs, this.#totalAtMs)
    this.#parts.due(this.dueAtMs)
  }

  get #streamType(): string {
    return this.#parts.row.streamType ?? 'text/event-stream'
  }

  #nowMs(): number {
    return this.#parts.clock.monotonicMs()
  }
}

type Told = Pick<TryFailure, 'class' | 'code' | 'detail' | 'retryAfterMs' | 'status'>

const NO_TRY: Found = Object.freeze(nothingFound())

function tighter(asked: ProviderTimeouts, own: ProviderTimeouts): ProviderTimeouts {
  return {
    connectMs: Math.min(asked.connectMs, own.connectMs),
    firstContentMs: Math.min(asked.firstContentMs, own.firstContentMs),
    idleMs: Math.min(asked.idleMs, own.idleMs),
    totalMs: Math.min(asked.totalMs, own.totalMs),
  }
}

function requestIdIn(headers: AnswerHeaders, names: readonly string[]): string | null {
  for (const name of names) {
    const value = headers[name]
    if (value !== undefined) return String(value).slice(0, 200)
  }
  return null
}
