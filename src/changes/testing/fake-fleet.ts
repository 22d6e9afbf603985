import type { Rollout } from '../../contracts/index.ts'
import { type Clock, SlipwayError } from '../../kernel/index.ts'
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
      await store.rollouts.putLook(lookAt(rollout, share, clock.nowMs()), {
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
        const at = clock.nowMs()
        const rollout: Rollout = {
          id: `ro-${changeId ?? 'hand'}-${at}`,
          changeId,
          model,
          champion,
          candidate,
          plan,
          guards: [],
          forecast: [],
          state: 'pending',
          step: 0,
          reason: null,
          startedAt: at,
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

function lookAt(rollout: Rollout, sharePercent: number, at: number) {
  return {
    rolloutId: rollout.id,
    sequence: rollout.step,
    at,
    step: rollout.step,
    sharePercent,
    windows: 12,
    windowEndMs: at,
    guards: [
      {
        name: 'errors' as const,
        champion: { requests: 4000, events: 8 },
        candidate: { requests: 2000, events: 4 },
        difference: 0,
        lower: -0.004,
        upper: 0.004,
        margin: 0.01,
        decision: 'promote' as const,
      },
    ],
    decision: 'promote' as const,
    reason: 'every guard is within its margin',
    needsRequests: null,
    needsMs: null,
  }
}
