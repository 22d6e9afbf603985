import type { Rollout, RolloutLook, TrafficWindow } from '../../contracts/index.ts'
import { firstWindowMs, guardLook, pairedWindows, settledUntil } from '../../fleet/index.ts'
import { type Clock, SlipwayError } from '../../kernel/index.ts'
import { addWindow, NO_WINDOWS } from '../../stats/index.ts'
import type { Store } from '../../store/index.ts'
import type { ChangeParts } from '../parts.ts'

export interface FleetScript {
  /** Promote every step, or go back at this step, with this reason. */
  readonly abortAtStep?: number
  readonly reason?: string
  /** The candidate's processes do not come up. */
  readonly neverReady?: string
  /** Back out again while the old version is kept. */
  readonly abortWhenLive?: boolean
}

/** Keeps all it knows in the store, as the real one does, and moves one step a tick. */
export function fakeFleet(
  store: Store,
  clock: Clock,
  script: FleetScript = {},
): ChangeParts['fleet'] & { tick(): Promise<void> } {
  const split = (rollout: Rollout, percent: number) =>
    store.traffic.set(rollout.model, {
      shares: { [rollout.champion]: 100 - percent, [rollout.candidate]: percent },
      slices: [],
      reason: `rollout ${rollout.id}`,
    })
  const deployment = async (model: string, version: string) => {
    const found = await store.deployments.find(model, version)
    if (found === undefined) throw new SlipwayError('unknown_version', { model, version })
    return found
  }
  const move = async (rollout: Rollout): Promise<void> => {
    const last = rollout.plan.steps.length - 1
    const share = rollout.plan.steps[rollout.step] as number
    if (rollout.state === 'pending') {
      await split(rollout, share)
      await store.rollouts.update(rollout.id, { state: 'progressing' })
    } else if (rollout.state === 'progressing' && script.abortAtStep === rollout.step) {
      await store.rollouts.update(rollout.id, {
        state: 'aborting',
        reason: script.reason ?? 'errors are worse',
      })
    } else if (rollout.state === 'progressing') {
      await store.rollouts.putLook(await lookAt(store, rollout, share, clock.nowMs()), {
        state: 'promoting',
        step: rollout.step + 1,
      })
    } else if (rollout.state === 'promoting' && rollout.step < last) {
      await split(rollout, share)
      await store.rollouts.update(rollout.id, { state: 'progressing' })
    } else if (
      rollout.state === 'promoting' &&
      (await store.traffic.get(rollout.model))?.shares[rollout.candidate] !== 100
    ) {
      await split(rollout, 100)
      await store.rollouts.update(rollout.id, { stepStartedAt: clock.nowMs() })
    } else if (rollout.state === 'promoting' && script.abortWhenLive === true) {
      await store.rollouts.update(rollout.id, {
        state: 'aborting',
        reason: 'above the champion’s earlier rate',
      })
    } else if (rollout.state === 'promoting') {
      if (clock.nowMs() - rollout.stepStartedAt >= rollout.plan.scaleDownDelayMs)
        await store.rollouts.update(rollout.id, { state: 'done', finishedAt: clock.nowMs() })
    } else if (rollout.state === 'aborting') {
      await split(rollout, 0)
      await store.rollouts.update(rollout.id, {
        state: 'rolled-back',
        finishedAt: clock.nowMs(),
        rollbackMs: 420,
      })
    }
  }
  return {
    async tick() {
      for (const rollout of await store.rollouts.listOpen()) await move(rollout)
    },
    async deploy({ model, version, replicas, gpuType }) {
      const row = await store.deployments.upsert({ model, version, replicas, gpuType })
      await store.deployments.setStatus(model, version, 'active', null)
      return row
    },
    async stop(model, version) {
      if (((await store.traffic.get(model))?.shares[version] ?? 0) > 0)
        throw new SlipwayError('conflict', { what: `Traffic on ${version}` })
      await store.deployments.setStatus(model, version, 'stopped', null)
      return deployment(model, version)
    },
    async whenReady(model, version) {
      if (script.neverReady === version) throw new Error('opset 99 is not supported')
      await deployment(model, version)
    },
    async rollback(model) {
      return store.traffic.set(model, { shares: { v1: 100 }, slices: [], reason: 'rollback' })
    },
    async championOf(model) {
      const shares = Object.entries((await store.traffic.get(model))?.shares ?? {})
      return shares.sort(([, left], [, right]) => right - left)[0]?.[0]
    },
    rollouts: {
      forecast: async () => [],
      async start({ changeId, model, champion, candidate, plan }) {
        const open = await store.rollouts.listOpen()
        if (open.some((rollout) => rollout.model === model))
          throw new SlipwayError('conflict', { what: 'An open rollout' })
        // So long ago that windows of before lie under the first look.
        const at = clock.nowMs()
        const startedAt = at - 60_000
        const rollout: Rollout = {
          id: `ro-${changeId ?? 'hand'}-${at}`,
          changeId,
          model,
          champion,
          candidate,
          plan,
          guards: [{ name: 'errors', margin: 0.01, thresholdMs: null }],
          forecast: [],
          state: 'pending',
          step: 0,
          reason: null,
          startedAt,
          stepStartedAt: at,
          finishedAt: null,
          rollbackMs: null,
        }
        await store.rollouts.create(rollout)
        return rollout
      },
      pause: (id, reason) => store.rollouts.update(id, { state: 'paused', reason: `manual: ${reason}` }),
      resume: (id) => store.rollouts.update(id, { state: 'progressing', reason: null }),
      abort: (id, reason) => store.rollouts.update(id, { state: 'aborting', reason }),
    },
  }
}

/** Twelve windows are there at the start, and one more with each look; what a look says follows from them. */
const WINDOWS_BEFORE = 12

async function seeTraffic(store: Store, rollout: Rollout, atMs: number): Promise<void> {
  const newest = settledUntil(atMs) - 1_000
  const first = firstWindowMs(rollout)
  const starts = Array.from({ length: WINDOWS_BEFORE }, (_, index) => first + index * 1_000)
  const seen = await store.windows.list({
    model: rollout.model,
    versions: [rollout.candidate],
    fromMs: first,
    toMs: newest + 1,
  })
  const isFirst = seen.length === 0
  for (const startMs of isFirst ? [...starts, newest] : [newest])
    await store.windows.merge([
      windowOf(rollout.model, rollout.champion, startMs, 1),
      windowOf(rollout.model, rollout.candidate, startMs, startMs % 2_000 === 0 ? 1 : 0),
    ])
}

export function windowOf(model: string, version: string, startMs: number, errors: number): TrafficWindow {
  const counts = { requests: 400, errors, timeouts: 0, refusals: 0, rows: 400, computeMs: 40 }
  return { model, version, startMs, sizeMs: 1_000, ...counts, latency: {} }
}

async function lookAt(
  store: Store,
  rollout: Rollout,
  sharePercent: number,
  at: number,
): Promise<RolloutLook> {
  await seeTraffic(store, rollout, at)
  const found = await store.windows.list({
    model: rollout.model,
    fromMs: firstWindowMs(rollout),
    toMs: settledUntil(at),
  })
  const paired = pairedWindows(rollout, found)
  const guards = rollout.guards.map((guard) => {
    const sums = paired.reduce(
      (total, { counts }) => addWindow(total, counts.find((one) => one.guard === guard.name)!.pair),
      NO_WINDOWS,
    )
    return guardLook(rollout.plan, guard, sums).look
  })
  return {
    rolloutId: rollout.id,
    sequence: rollout.step,
    at,
    step: rollout.step,
    sharePercent,
    windows: paired.length,
    windowEndMs: (paired.at(-1)?.startMs ?? 0) + rollout.plan.windowMs,
    guards,
    decision: 'promote',
    reason: 'every guard is within its margin',
    needsRequests: null,
    needsMs: null,
  }
}
