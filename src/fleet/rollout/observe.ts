import type { Rollout, RolloutLook, TrafficShares } from '../../contracts/index.ts'
import type { Store, TrafficRow } from '../../store/index.ts'
import type { ObservedReplica } from '../fleet.ts'
import { isReady } from '../reconcile/decide.ts'
import type { ArmState, RolloutWorld } from './advance.ts'
import { lookAfterPromotion } from './after-promotion.ts'
import { gather, lastSeconds } from './evidence.ts'
import { BASELINE_MS, fixThresholds } from './guards.ts'
import { look } from './look.ts'
import type { RolloutMemory } from './memories.ts'
import { settledUntil, type WindowSource } from './window-source.ts'

export interface ObserveParts {
  readonly store: Pick<Store, 'traffic' | 'deployments' | 'rollouts' | 'requestLog'>
  readonly windowSource: WindowSource
  replicas(): Promise<readonly ObservedReplica[]>
}

/** So far before now an arm must have had no request to count as silent, in settled seconds. */
const SILENT_MS = 2_000

/** Reads all that `advance` has to know at this moment. */
export async function observe(
  parts: ObserveParts,
  rollout: Rollout,
  memory: RolloutMemory,
  nowMs: number,
): Promise<RolloutWorld> {
  const { store, windowSource } = parts
  const { model, champion, candidate } = rollout
  const split = await store.traffic.get(model)
  const replicas = await parts.replicas()
  const settledMs = settledUntil(nowMs)
  const recent = await windowSource.windows({
    model,
    versions: [champion, candidate],
    fromMs: settledMs - SILENT_MS,
    toMs: nowMs + 1,
  })
  const armOf = async (label: string): Promise<ArmState> => {
    const row = await store.deployments.find(model, label)
    const own = replicas.filter((each) => each.model === model && each.label === label)
    const ready = own.filter(isReady).length
    if (ready > 0) memory.unreadySinceMs.delete(label)
    else if (!memory.unreadySinceMs.has(label)) memory.unreadySinceMs.set(label, nowMs)
    return {
      status: row?.status ?? 'absent',
      wanted: row?.replicas ?? 0,
      ready,
      unreadyForMs: nowMs - (memory.unreadySinceMs.get(label) ?? nowMs),
      isSilent: !recent.some((window) => window.version === label && window.requests > 0),
    }
  }
  const nextLook = await lookNow(parts, rollout, memory, split, nowMs)
  return {
    shares: split?.shares ?? {},
    splitAtMs: split?.updatedAt ?? 0,
    champion: await armOf(champion),
    candidate: await armOf(candidate),
    guards:
      rollout.state === 'pending'
        ? await thresholds(windowSource, rollout, nowMs)
        : { guards: rollout.guards },
    look: nextLook,
    isLookDue: isDue(rollout, memory, nowMs),
    candidateAnsweredAtMs: rollout.state === 'aborting' ? await lastAnswer(store, rollout) : null,
  }
}

async function lookNow(
  parts: ObserveParts,
  rollout: Rollout,
  memory: RolloutMemory,
  split: TrafficRow | undefined,
  nowMs: number,
): Promise<RolloutLook | undefined> {
  const { windowSource } = parts
  const { model, champion, candidate } = rollout
  const sequence = (memory.lastLook?.sequence ?? -1) + 1
  const settledMs = settledUntil(nowMs)
  if (rollout.state === 'promoting' && isWhole(split?.shares ?? {}, candidate)) {
    const since = split?.updatedAt ?? nowMs
    const windows = {
      candidate: await windowSource.windows({ model, versions: [candidate], fromMs: since, toMs: settledMs }),
      champion: await windowSource.windows({
        model,
        versions: [champion],
        fromMs: since - BASELINE_MS,
        toMs: since,
      }),
    }
    return lookAfterPromotion(rollout, windows, settledMs, sequence, nowMs)
  }
  if (rollout.state !== 'progressing' && rollout.state !== 'paused' && rollout.state !== 'promoting')
    return undefined
  const { folded } = memory
  const brakeFromMs = settledMs - 3_000
  const windows = await windowSource.windows({
    model,
    versions: [champion, candidate],
    fromMs: Math.min(folded.untilMs, brakeFromMs),
    toMs: settledMs,
  })
  const gathered = gather(rollout, folded, windows, settledMs)
  memory.folded = gathered.folded
  const seconds = lastSeconds(rollout, windows, settledMs, 3)
  const requestsPerSecond = await windowSource.recentRate(model)
  return look(rollout, { evidence: gathered.evidence, seconds, sequence, requestsPerSecond }, nowMs)
}

async function thresholds(
  windowSource: WindowSource,
  rollout: Rollout,
  nowMs: number,
): Promise<RolloutWorld['guards']> {
  return fixThresholds(rollout.guards, await championBaseline(windowSource, rollout, nowMs))
}

export function championBaseline(
  windowSource: WindowSource,
  { model, champion }: { model: string; champion: string },
  nowMs: number,
) {
  return windowSource.windows({
    model,
    versions: [champion],
    fromMs: nowMs - BASELINE_MS,
    toMs: settledUntil(nowMs),
  })
}

/**
 * Each second while a step is young, then ever more seldom, so that a step of any length leaves a bounded record; what
 * decides something is always stored, and so is a decision that differs from the one before.
 */
function isDue(rollout: Rollout, memory: RolloutMemory, nowMs: number): boolean {
  const last = memory.lastLook
  if (last === undefined || last.step !== rollout.step) return true
  const intervalMs = Math.min(60_000, Math.max(1_000, (nowMs - rollout.stepStartedAt) / 300))
  return nowMs - last.at >= intervalMs
}

const NEWEST_RECORDS = 200

async function lastAnswer(store: ObserveParts['store'], rollout: Rollout): Promise<number | null> {
  const { items } = await store.requestLog.list(
    { model: rollout.model, version: rollout.candidate },
    { limit: NEWEST_RECORDS },
  )
  const answered = items
    .filter((record) => record.assignment === 'split')
    .map((record) => record.at + record.latencyMs)
    .filter((at) => at >= rollout.stepStartedAt)
  return answered.length === 0 ? null : Math.max(...answered)
}

function isWhole(shares: TrafficShares, version: string): boolean {
  return shares[version] === 100
}
