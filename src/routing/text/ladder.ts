import type { Ladder, PriorityClass, Rung, RungTrigger } from '../../contracts/index.ts'
import { DegradedBudget } from './degraded-budget.ts'
import { RungHealth } from './rung-health.ts'

/** What a rung can fail by, as ladders name it; undefined for what no other rung would do better (a bad request). */
export type RungFailure = RungTrigger['on'][number] | undefined

/** What of a request a ladder decides on. */
export interface Climber {
  readonly priority: PriorityClass
  /** It asked for its version by name: nothing leads away from it. */
  readonly isPinned: boolean
}

/** Failures that say something of the request and nothing of the rung. */
const ABOUT_THE_REQUEST: ReadonlySet<RungFailure> = new Set(['context-length', 'content-filter', undefined])

/**
 * One model's ladder at work: primary → lighter versions → an older answer → a fixed text → refusal. Decides which rung
 * a request asks first and which one after a failure, from how the rungs did lately, the month's budget of degraded
 * answers, and whether the gateway is overloaded.
 */
export class LadderState {
  readonly rungs: readonly Rung[]
  readonly #policy: Ladder
  readonly #health: readonly RungHealth[]
  readonly #budget: DegradedBudget

  constructor(policy: Ladder) {
    this.#policy = policy
    this.rungs = policy.rungs
    this.#health = policy.rungs.map((rung) => new RungHealth(rung.trigger))
    this.#budget = new DegradedBudget(policy.monthlyDegradedShare)
  }

  /**
   * The rung to ask first. The primary, unless it is set aside or the load asks this class to take less; and the primary
   * all the same where nobody below may answer, since a poor chance is better than none.
   */
  first(climber: Climber, isOverloaded: boolean, nowMs: number, wallMs: number): number {
    const primary = this.#health[0] as RungHealth
    if (climber.isPinned) return 0
    const yields = isOverloaded && this.#policy.degradeUnderLoad.includes(climber.priority)
    if (!yields && primary.take(nowMs)) return 0
    return this.#below(0, nowMs, wallMs, yields) ?? 0
  }

  /** The rung after one that failed before any content; undefined: the failure is told. */
  after(
    rung: number,
    failure: RungFailure,
    climber: Climber,
    nowMs: number,
    wallMs: number,
  ): number | undefined {
    if (climber.isPinned || failure === undefined) return undefined
    if (!this.rungs[rung]?.trigger.on.includes(failure)) return undefined
    return this.#below(rung, nowMs, wallMs, false)
  }

  /** The rung for one who found no place at this one: for classes that take less under load, before they are refused. */
  shed(rung: number, climber: Climber, nowMs: number, wallMs: number): number | undefined {
    if (climber.isPinned || !this.#policy.degradeUnderLoad.includes(climber.priority)) return undefined
    return this.#below(rung, nowMs, wallMs, true)
  }

  /** How a rung that was given out ended; `failure` undefined and `isAnswered` for a whole answer. */
  ended(rung: number, isAnswered: boolean, failure: RungFailure, nowMs: number, wallMs: number): void {
    const trigger = this.rungs[rung]?.trigger
    const isFailure = !isAnswered && failure !== undefined && trigger?.on.includes(failure) === true
    const counts = isAnswered || !ABOUT_THE_REQUEST.has(failure)
    this.#health[rung]?.ended(isFailure, counts, nowMs)
    if (isAnswered) this.#budget.answered(rung > 0, wallMs)
  }

  view(nowMs: number, wallMs: number) {
    return {
      rungs: this.rungs.map((rung, index) => ({
        name: rung.name,
        state: this.#health[index]?.state ?? 'closed',
        failureRate: this.#health[index]?.rate(nowMs) ?? null,
      })),
      month: this.#budget.used(wallMs),
    }
  }

  /** Under load only what computes less is of use before the cheap last resorts; all of them are. */
  #below(rung: number, nowMs: number, wallMs: number, isForLoad: boolean): number | undefined {
    if (!this.#budget.allows(wallMs)) return undefined
    for (let index = rung + 1; index < this.rungs.length; index++) {
      if (isForLoad && this.rungs[index]?.kind === 'static') return undefined
      if (this.#health[index]?.take(nowMs) === true) return index
    }
    return undefined
  }
}

/** What a policy says that can never come true, in words; empty where all of it can. */
export function ladderFaults(policy: Ladder): string[] {
  const faults: string[] = []
  const names = new Set<string>()
  policy.rungs.forEach((rung, index) => {
    if ((index === 0) !== (rung.kind === 'primary'))
      faults.push(
        index === 0
          ? `rungs.0 (${rung.name}) must be the primary`
          : `rungs.${index} (${rung.name}) is a second primary; only the first rung is one`,
      )
    if (names.has(rung.name)) faults.push(`rungs.${index}: the name ${rung.name} is taken`)
    names.add(rung.name)
    const above = policy.rungs[index - 1]
    if (above !== undefined && rung.quality > above.quality)
      faults.push(
        `rungs.${index} (${rung.name}) has a quality of ${rung.quality}, above the ${above.quality} of ${above.name} that is asked before it`,
      )
    if (above?.kind === 'static')
      faults.push(`rungs.${index} (${rung.name}) is never reached: a fixed text (${above.name}) cannot fail`)
    if (above !== undefined && above.trigger.on.length === 0)
      faults.push(`rungs.${index} (${rung.name}) is never reached: ${above.name} has no trigger`)
    if (rung.trigger.closeBelowRate >= rung.trigger.openAboveRate)
      faults.push(
        `rungs.${index} (${rung.name}) would flap: it closes below ${rung.trigger.closeBelowRate} and opens above ${rung.trigger.openAboveRate}`,
      )
  })
  if (policy.rungs.length > 1 && policy.monthlyDegradedShare === 0)
    faults.push('monthlyDegradedShare is 0: no rung below the primary may ever answer')
  return faults
}
