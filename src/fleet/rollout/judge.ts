import type { Rollout, RolloutLook, StepForecast } from '../../contracts/index.ts'
import { type Clock, newId, SlipwayError } from '../../kernel/index.ts'
import type { Rollouts, RolloutWish } from '../fleet.ts'
import { createSerial, type Serial } from '../serial.ts'
import { abortion, advance, HELD_BY_PERSON, hold, type Move } from './advance.ts'
import { forecastSteps } from './forecast.ts'
import { fixThresholds, guardsOf } from './guards.ts'
import { type Hands, makeMove } from './make-move.ts'
import { createMemories, type RolloutMemory } from './memories.ts'
import { championBaseline, type ObserveParts, observe } from './observe.ts'
import { requireStartable, type StartableStore } from './startable.ts'

export interface JudgeParts extends Hands, ObserveParts {
  readonly store: ObserveParts['store'] & StartableStore
  readonly clock: Clock
}

export interface Judge extends Rollouts {
  /** One look at every open rollout. What fails at one is logged and tried again at the next look. */
  lookAtAll(): Promise<void>
}

/** A look leads to a few writes at most: decide, split, state. More would be a ring. */
const MOST_MOVES_PER_LOOK = 6

export function createJudge(parts: JudgeParts): Judge {
  const { store, clock, logger } = parts
  const memories = createMemories(store)
  const serials = new Map<string, Serial>()

  /** Looks and people's words on one rollout come one after the other. */
  function alone<T>(id: string, work: () => Promise<T>): Promise<T> {
    const serial = serials.get(id) ?? createSerial()
    serials.set(id, serial)
    return serial.run(work)
  }

  async function lookAt(id: string): Promise<void> {
    for (let count = 0; count < MOST_MOVES_PER_LOOK; count++) {
      const rollout = await store.rollouts.get(id)
      if (rollout === undefined) return
      const world = await observe(parts, rollout, await memories.of(rollout), clock.nowMs())
      const move = advance(rollout, world, clock.nowMs())
      await makeMove(parts, memories, rollout, move)
      if (rollout.finishedAt !== null) {
        memories.forget(id)
        serials.delete(id)
      }
      if (isRest(move)) return
    }
  }

  async function lookOrLog(id: string): Promise<void> {
    await alone(id, () => lookAt(id)).catch((error: unknown) =>
      logger.error({ err: error, rollout: id }, 'a look failed and will be made again'),
    )
  }

  async function find(id: string): Promise<Rollout> {
    const rollout = await store.rollouts.get(id)
    if (rollout === undefined) throw new SlipwayError('unknown_rollout', { rollout: id })
    return rollout
  }

  return {
    async lookAtAll() {
      for (const { id } of await store.rollouts.listOpen()) await lookOrLog(id)
    },

    forecast: (wanted, requestsPerSecond) => forecastOf(parts, wanted, requestsPerSecond),

    async start(wanted) {
      // A change rolls out once: whoever was interrupted after asking finds what was made of it.
      const known =
        wanted.changeId === null ? undefined : await store.rollouts.get(rolloutOf(wanted.changeId))
      if (known !== undefined) return known
      await requireStartable(store, await parts.replicas(), wanted)
      const rollout = newRollout(wanted, await forecastOf(parts, wanted), clock.nowMs())
      await store.rollouts.create(rollout)
      const { id, model, champion, candidate } = rollout
      logger.info({ rollout: id, model, champion, candidate }, 'rollout was started')
      await lookOrLog(id)
      return find(id)
    },

    pause: (id, reason) =>
      alone(id, async () => {
        const { state, finishedAt } = await find(id)
        if (finishedAt !== null || state === 'aborting') throw refusal(id, state, 'be paused')
        return store.rollouts.update(id, hold(HELD_BY_PERSON, reason))
      }),

    resume: (id) =>
      alone(id, async () => {
        const { state, step, finishedAt } = await find(id)
        if (finishedAt !== null || state === 'aborting') throw refusal(id, state, 'be resumed')
        if (state !== 'paused') return find(id)
        // Both make sure of thresholds, capacity and the split before they judge on.
        const next = { state: step === 0 ? 'pending' : 'promoting', reason: null } as const
        await store.rollouts.update(id, { ...next, stepStartedAt: clock.nowMs() })
        await lookAt(id)
        return find(id)
      }),

    abort: (id, reason) =>
      alone(id, async () => {
        const rollout = await find(id)
        const { state } = rollout
        // Asked twice, it goes back once.
        if (state === 'rolled-back') return rollout
        if (state === 'done') throw refusal(id, state, 'be aborted')
        if (state !== 'aborting') {
          const nowMs = clock.nowMs()
          const look = await spokenLook(parts, rollout, await memories.of(rollout), reason, nowMs)
          await makeMove(parts, memories, rollout, { kind: 'look', look, patch: abortion(reason, nowMs) })
        }
        await lookAt(id)
        return find(id)
      }),
  }
}

async function forecastOf(
  { windowSource, clock }: JudgeParts,
  wanted: RolloutWish,
  requestsPerSecond?: number,
): Promise<StepForecast[]> {
  const windows = await championBaseline(windowSource, wanted, clock.nowMs())
  const guards = guardsOf(wanted.plan)
  const fixed = fixThresholds(guards, windows)
  const expected = requestsPerSecond ?? wanted.plan.expectedRequestsPerSecond
  const rate = expected ?? (await windowSource.recentRate(wanted.model))
  return forecastSteps(wanted.plan, 'guards' in fixed ? fixed.guards : guards, windows, rate)
}

/** A person's decision stands in the record like the judge's own. */
async function spokenLook(
  parts: JudgeParts,
  rollout: Rollout,
  memory: RolloutMemory,
  reason: string,
  nowMs: number,
): Promise<RolloutLook> {
  const { look } = await observe(parts, rollout, memory, nowMs)
  const sequence = (memory.lastLook?.sequence ?? -1) + 1
  const { id: rolloutId, step, stepStartedAt: windowEndMs } = rollout
  const sharePercent = rollout.plan.steps[step] ?? 100
  const blank = { rolloutId, sequence, at: nowMs, step, sharePercent, windows: 0, windowEndMs, guards: [] }
  return { ...(look ?? blank), decision: 'abort', reason, needsRequests: null, needsMs: null }
}

function rolloutOf(changeId: string): string {
  return changeId.replace(/^c-/, 'ro-')
}

function newRollout(
  wanted: RolloutWish & { changeId: string | null },
  forecast: StepForecast[],
  nowMs: number,
): Rollout {
  const { model, champion, candidate, plan, changeId } = wanted
  return {
    id: changeId === null ? newId('ro') : rolloutOf(changeId),
    changeId,
    model,
    champion,
    candidate,
    plan,
    guards: guardsOf(plan),
    forecast,
    state: 'pending',
    step: 0,
    reason: null,
    startedAt: nowMs,
    stepStartedAt: nowMs,
    finishedAt: null,
    rollbackMs: null,
  }
}

/** Nothing further to do now: a wait, or a look that decided nothing. */
function isRest(move: Move): boolean {
  return move.kind === 'wait' || (move.kind === 'look' && Object.keys(move.patch).length === 0)
}

function refusal(rollout: string, state: Rollout['state'], action: string): SlipwayError {
  return new SlipwayError('rollout_conflict', { rollout, state, action })
}
