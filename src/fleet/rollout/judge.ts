import type { Rollout, RolloutLook, TrafficShares } from '../../contracts/index.ts'
import { type Clock, type Logger, newId, SlipwayError } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'
import type { ObservedReplica, Rollouts, RolloutWish } from '../fleet.ts'
import { createSerial, type Serial } from '../serial.ts'
import { ROLLBACK_REASON } from '../traffic/shares.ts'
import { abortion, advance, HELD_BY_PERSON, hold, type Move } from './advance.ts'
import { forecastSteps } from './forecast.ts'
import { fixThresholds, guardsOf } from './guards.ts'
import { championBaseline, observe, type RolloutMemory, remember } from './observe.ts'
import { requireStartable } from './startable.ts'
import type { WindowSource } from './window-source.ts'

export interface JudgeParts {
  readonly store: Pick<Store, 'versions' | 'traffic' | 'deployments' | 'rollouts' | 'requestLog'>
  readonly windowSource: WindowSource
  readonly clock: Clock
  readonly logger: Logger
  replicas(): Promise<readonly ObservedReplica[]>
  setTraffic(model: string, shares: TrafficShares, reason: string): Promise<unknown>
  stop(model: string, version: string): Promise<unknown>
  scale(model: string, version: string, replicas: number): Promise<unknown>
}

export interface Judge extends Rollouts {
  /** One look at every open rollout. Never rejects: what fails is logged and tried again at the next look. */
  lookAtAll(): Promise<void>
}

/** A look leads to a few writes at most: decide, split, state. More would be a ring. */
const MOST_MOVES_PER_LOOK = 6

export function createJudge(parts: JudgeParts): Judge {
  const { store, windowSource, clock, logger } = parts
  const memories = new Map<string, RolloutMemory>()
  const serials = new Map<string, Serial>()

  /** Looks and people's words on one rollout come one after the other. */
  function alone<T>(id: string, work: () => Promise<T>): Promise<T> {
    const serial = serials.get(id) ?? createSerial()
    serials.set(id, serial)
    return serial.run(work)
  }

  async function memoryOf(rollout: Rollout): Promise<RolloutMemory> {
    const known = memories.get(rollout.id)
    // The start moves while the rollout is pending; what was folded belongs to the start it was folded from.
    if (known !== undefined && rollout.state !== 'pending') return known
    const fresh = await remember(store, rollout)
    memories.set(rollout.id, fresh)
    return fresh
  }

  async function writeLook(rollout: Rollout, look: RolloutLook, patch: Partial<Omit<Rollout, 'id'>>) {
    const memory = await memoryOf(rollout)
    try {
      await store.rollouts.putLook(look, patch)
    } catch (error) {
      memories.delete(rollout.id)
      throw error
    }
    memory.lastLook = look
    if (look.decision === 'continue' || look.decision === 'hold') return
    logger.info(
      { rollout: rollout.id, step: look.step, decision: look.decision, reason: look.reason },
      'judged',
    )
  }

  async function make(rollout: Rollout, move: Move): Promise<void> {
    const { model, champion, candidate } = rollout
    switch (move.kind) {
      case 'wait':
        return
      case 'update':
        await store.rollouts.update(rollout.id, move.patch)
        return
      case 'look':
        await writeLook(rollout, move.look, move.patch)
        return
      case 'split': {
        const shares = { [champion]: 100 - move.candidatePercent, [candidate]: move.candidatePercent }
        // Marked as a rollback, so that a rollback by hand right after it does not go back once more.
        const mark = move.candidatePercent === 0 ? ROLLBACK_REASON : ''
        await parts.setTraffic(model, shares, `${mark}rollout ${rollout.id}: ${move.reason}`)
        return
      }
      case 'scale-candidate':
        await parts.scale(model, candidate, move.replicas)
        return
      case 'stop':
        await parts.stop(model, move.version)
    }
  }

  async function lookAt(id: string): Promise<void> {
    for (let count = 0; count < MOST_MOVES_PER_LOOK; count++) {
      const rollout = await store.rollouts.get(id)
      if (rollout === undefined) return
      const memory = await memoryOf(rollout)
      const world = await observe(parts, rollout, memory, clock.nowMs())
      const move = advance(rollout, world, clock.nowMs())
      await make(rollout, move)
      const isOver = rollout.state === 'done' || rollout.state === 'rolled-back'
      if (isOver) {
        memories.delete(id)
        serials.delete(id)
      }
      if (move.kind === 'wait' || isOver || isQuiet(move)) return
    }
  }

  async function openOne(id: string, action: string): Promise<Rollout> {
    const rollout = await store.rollouts.get(id)
    if (rollout === undefined) throw new SlipwayError('unknown_rollout', { rollout: id })
    if (rollout.finishedAt !== null)
      throw new SlipwayError('rollout_conflict', { rollout: id, state: rollout.state, action })
    return rollout
  }

  async function present(id: string): Promise<Rollout> {
    return (await store.rollouts.get(id)) as Rollout
  }

  return {
    async lookAtAll() {
      const open = await store.rollouts.listOpen()
      for (const { id } of open)
        await alone(id, () => lookAt(id)).catch((error: unknown) =>
          logger.error({ err: error, rollout: id }, 'a look failed, will be made again'),
        )
    },

    async forecast(wanted, requestsPerSecond) {
      const windows = await championBaseline(windowSource, wanted, clock.nowMs())
      const guards = guardsOf(wanted.plan)
      const fixed = fixThresholds(guards, windows)
      const rate = requestsPerSecond ?? (await windowSource.recentRate(wanted.model))
      return forecastSteps(wanted.plan, 'guards' in fixed ? fixed.guards : guards, windows, rate)
    },

    async start(wanted) {
      await requireStartable(store, await parts.replicas(), wanted)
      const rollout = { ...newRollout(wanted, clock.nowMs()), forecast: await this.forecast(wanted) }
      await store.rollouts.create(rollout)
      logger.info(
        { rollout: rollout.id, model: wanted.model, candidate: wanted.candidate },
        'rollout started',
      )
      await alone(rollout.id, () => lookAt(rollout.id)).catch((error: unknown) =>
        logger.error({ err: error, rollout: rollout.id }, 'a look failed, will be made again'),
      )
      return present(rollout.id)
    },

    pause: (id, reason) =>
      alone(id, async () => {
        const { state } = await openOne(id, 'pause')
        if (state === 'aborting')
          throw new SlipwayError('rollout_conflict', { rollout: id, state, action: 'pause' })
        return store.rollouts.update(id, hold(HELD_BY_PERSON, reason))
      }),

    resume: (id) =>
      alone(id, async () => {
        const rollout = await openOne(id, 'resume')
        if (rollout.state !== 'paused') return rollout
        const share = rollout.plan.steps[rollout.step] ?? 100
        const reason = `step ${rollout.step + 1}, resumed`
        await make(rollout, { kind: 'split', candidatePercent: share, reason })
        const state = share === 100 ? 'promoting' : 'progressing'
        return store.rollouts.update(id, { state, stepStartedAt: clock.nowMs(), reason: null })
      }),

    abort: (id, reason) =>
      alone(id, async () => {
        const before = await present(id)
        // Asked twice, it goes back once.
        if (before?.state === 'rolled-back') return before
        const rollout = await openOne(id, 'abort')
        const nowMs = clock.nowMs()
        if (rollout.state !== 'aborting')
          await writeLook(rollout, await spokenLook(rollout, reason, nowMs), abortion(reason, nowMs))
        await lookAt(id)
        return present(id)
      }),
  }

  /** A person's decision stands in the record like the judge's own. */
  async function spokenLook(rollout: Rollout, reason: string, nowMs: number): Promise<RolloutLook> {
    const memory = await memoryOf(rollout)
    const { look } = await observe(parts, rollout, memory, nowMs)
    const sequence = (memory.lastLook?.sequence ?? -1) + 1
    const { id: rolloutId, step, stepStartedAt: windowEndMs } = rollout
    const sharePercent = rollout.plan.steps[step] ?? 100
    const blank = { rolloutId, sequence, at: nowMs, step, sharePercent, windows: 0, windowEndMs, guards: [] }
    return { ...(look ?? blank), decision: 'abort', reason, needsRequests: null, needsMs: null }
  }
}

function newRollout(wanted: RolloutWish & { changeId: string | null }, nowMs: number): Rollout {
  const { model, champion, candidate, plan, changeId } = wanted
  return {
    id: newId('ro'),
    changeId,
    model,
    champion,
    candidate,
    plan,
    guards: guardsOf(plan),
    forecast: [],
    state: 'pending',
    step: 0,
    reason: null,
    startedAt: nowMs,
    stepStartedAt: nowMs,
    finishedAt: null,
    rollbackMs: null,
  }
}

/** A look that decided nothing changes nothing, so there is nothing further to do. */
function isQuiet(move: Move): boolean {
  return move.kind === 'look' && Object.keys(move.patch).length === 0
}
