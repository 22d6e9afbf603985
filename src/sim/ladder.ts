import type { Ladder } from '../contracts/index.ts'
import { type Random, seededRandom } from '../kernel/index.ts'
import { LadderState, ladderFaults, type RungFailure } from '../routing/index.ts'

/** What happens to the rungs while a ladder is watched. */
export interface LadderScenario {
  readonly name: string
  /** Rung name → share of its requests that fail, and by what, from `fromMs` until `untilMs`. */
  readonly faults: readonly {
    readonly rung: string
    readonly failure: Exclude<RungFailure, undefined>
    readonly share: number
    readonly fromMs: number
    readonly untilMs: number
  }[]
}

export interface LadderOutcome {
  readonly scenario: string
  readonly requests: number
  /** Share of all requests that each rung answered, by name, and what was refused in the end. */
  readonly answered: Readonly<Record<string, number>>
  readonly refused: number
  /** Mean quality of what was answered. */
  readonly quality: number
  /** From the fault's start until the failing rung was set aside, and from its end until it was back; null: never. */
  readonly setAsideAfterMs: number | null
  readonly backAfterMs: number | null
  /** How often any rung was set aside. */
  readonly switches: number
  readonly degradedShare: number
}

/** What a person wants to know of a policy before it is switched on: what can never happen, and what would. */
export function explainLadder(
  policy: Ladder,
  requestsPerSecond: number,
  seed: number,
): { faults: string[]; outcomes: LadderOutcome[] } {
  const faults = ladderFaults(policy)
  if (faults.length > 0) return { faults, outcomes: [] }
  const run = (scenario: LadderScenario) => simulateLadder(policy, scenario, requestsPerSecond, seed)
  return { faults, outcomes: standardScenarios(policy).map(run) }
}

const FAULT_FROM_MS = 60_000
const FAULT_UNTIL_MS = 240_000
const WATCHED_MS = 420_000

/** The troubles that a ladder is for, made of its own rungs. */
export function standardScenarios(policy: Ladder): LadderScenario[] {
  const [primary] = policy.rungs
  if (primary === undefined) return []
  const during = { fromMs: FAULT_FROM_MS, untilMs: FAULT_UNTIL_MS }
  const fault = (rung: string, failure: Exclude<RungFailure, undefined>, share: number) => ({
    rung,
    failure,
    share,
    ...during,
  })
  const computing = policy.rungs.filter((rung) => rung.kind === 'primary' || rung.kind === 'version')
  return [
    { name: 'all is well', faults: [] },
    { name: `${primary.name} is down`, faults: [fault(primary.name, 'error', 1)] },
    { name: `${primary.name} fails every third request`, faults: [fault(primary.name, 'error', 1 / 3)] },
    { name: `${primary.name} is too slow`, faults: [fault(primary.name, 'timeout', 0.9)] },
    { name: `${primary.name} is out of quota`, faults: [fault(primary.name, 'rate-limited', 0.7)] },
    { name: 'nothing that computes answers', faults: computing.map((rung) => fault(rung.name, 'error', 1)) },
  ]
}

/** Runs the real decider on a virtual clock: `requestsPerSecond` at even intervals, faults drawn from the seed. */
export function simulateLadder(
  policy: Ladder,
  scenario: LadderScenario,
  requestsPerSecond: number,
  seed: number,
): LadderOutcome {
  const run = new LadderRun(policy, scenario, seededRandom(seed))
  const intervalMs = 1000 / requestsPerSecond
  for (let nowMs = 0; nowMs < WATCHED_MS; nowMs += intervalMs) run.request(nowMs)
  return run.outcome()
}

class LadderRun {
  readonly #state: LadderState
  readonly #policy: Ladder
  readonly #scenario: LadderScenario
  readonly #random: Random
  readonly #answered = new Map<string, number>()
  #requests = 0
  #refused = 0
  #quality = 0
  #switches = 0
  #wasOpen: boolean[]
  #setAsideAtMs: number | null = null
  #backAtMs: number | null = null

  constructor(policy: Ladder, scenario: LadderScenario, random: Random) {
    this.#policy = policy
    this.#scenario = scenario
    this.#random = random
    this.#state = new LadderState(policy)
    this.#wasOpen = policy.rungs.map(() => false)
  }

  request(nowMs: number): void {
    this.#requests++
    const climber = { priority: 'interactive', isPinned: false } as const
    let rung: number | undefined = this.#state.first(climber, false, nowMs, nowMs)
    while (rung !== undefined) {
      const failure = this.#failureOf(rung, nowMs)
      this.#state.ended(rung, failure === undefined, failure, nowMs, nowMs)
      if (failure === undefined) break
      rung = this.#state.after(rung, failure, climber, nowMs, nowMs)
    }
    const answering = rung === undefined ? undefined : this.#policy.rungs[rung]
    if (answering === undefined) this.#refused++
    else {
      this.#answered.set(answering.name, (this.#answered.get(answering.name) ?? 0) + 1)
      this.#quality += answering.quality
    }
    this.#watch(nowMs)
  }

  outcome(): LadderOutcome {
    const given = this.#requests - this.#refused
    const share = (count: number) => count / this.#requests
    const { degraded, answers } = this.#state.view(WATCHED_MS, WATCHED_MS).month
    return {
      scenario: this.#scenario.name,
      requests: this.#requests,
      answered: Object.fromEntries(
        this.#policy.rungs.map(({ name }) => [name, share(this.#answered.get(name) ?? 0)]),
      ),
      refused: share(this.#refused),
      quality: given === 0 ? 0 : this.#quality / given,
      setAsideAfterMs: this.#setAsideAtMs === null ? null : this.#setAsideAtMs - FAULT_FROM_MS,
      backAfterMs: this.#backAtMs === null ? null : this.#backAtMs - FAULT_UNTIL_MS,
      switches: this.#switches,
      degradedShare: answers === 0 ? 0 : degraded / answers,
    }
  }

  #failureOf(rung: number, nowMs: number): RungFailure {
    const name = this.#policy.rungs[rung]?.name
    for (const fault of this.#scenario.faults)
      if (fault.rung === name && nowMs >= fault.fromMs && nowMs < fault.untilMs)
        return this.#random() < fault.share ? fault.failure : undefined
    return undefined
  }

  #watch(nowMs: number): void {
    const { rungs } = this.#state.view(nowMs, nowMs)
    rungs.forEach(({ state }, index) => {
      const isOpen = state !== 'closed'
      if (isOpen && this.#wasOpen[index] === false) this.#switches++
      if (index === 0 && isOpen && nowMs >= FAULT_FROM_MS) this.#setAsideAtMs ??= nowMs
      if (index === 0 && !isOpen && this.#wasOpen[0] === true && nowMs >= FAULT_UNTIL_MS)
        this.#backAtMs ??= nowMs
      this.#wasOpen[index] = isOpen
    })
  }
}
