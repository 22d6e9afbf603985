import type { DeploymentStatus } from '../../contracts/index.ts'
import type { DeploymentRow, TrafficRow } from '../../store/index.ts'
import type { ObservedReplica } from '../fleet.ts'
import { mayStart, type ReplicaTimings, verdictOnFailures } from './failures.ts'

/** What only this process knows, and can lose: after a restart the same decisions are made again. */
export interface ReconcileMemory {
  /** Replicas that gateways were told to leave alone, and since when. */
  readonly drainingSinceMs: ReadonlyMap<string, number>
  /** When every gateway that served before this process began has heard from it; 0 where nothing ran then. */
  readonly heardFromMs: number
  /** Starts that are under way and not yet seen by the backend, one entry each, as `model/label`. */
  readonly starting: readonly string[]
  /** Starts that did not get as far as a process, by `model/label`. */
  readonly failedStarts: ReadonlyMap<string, { code: string; detail: string; atMs: number }>
}

export type Action =
  | { readonly kind: 'start'; readonly model: string; readonly label: string }
  /** Tell gateways to send it nothing new. */
  | { readonly kind: 'drain'; readonly replicaId: string }
  | { readonly kind: 'undrain'; readonly replicaId: string }
  /** End it, or clear away what is left of it. */
  | { readonly kind: 'stop'; readonly replicaId: string }
  | {
      readonly kind: 'set-status'
      readonly model: string
      readonly label: string
      readonly status: DeploymentStatus
      readonly reason: string | null
    }

export interface ReconcileTimings extends ReplicaTimings {
  /** From the mark in the snapshot to SIGTERM: gateways get snapshots pushed, within 50 ms here. */
  readonly noticeMs: number
  /** From the start of this process to that notice: gateways that lost control try again every 7.5 s or sooner. */
  readonly reconnectMs: number
  /** A replica that is not ready by then is given up, unless it named a time of its own. */
  readonly startTimeoutMs: number
  /** Beyond the time that a replica named. */
  readonly ownWordsMs: number
}

export const defaultTimings: ReconcileTimings = {
  noticeMs: 1_000,
  reconnectMs: 9_000,
  startTimeoutMs: 120_000,
  ownWordsMs: 15_000,
  firstBackoffMs: 500,
  longestBackoffMs: 30_000,
  crashesBeforeFailed: 5,
  settledMs: 60_000,
}

/**
 * What has to be done so that what runs becomes what is wished. It looks at the whole present state and at nothing
 * that happened before (what ended is state too: the backend keeps it until it is cleared), so it may be asked at any
 * time, twice, or by a process that has just started.
 *
 * - A version with traffic keeps its wanted replicas and is never given up, whatever its status says.
 * - A ready replica is drained only where the ready ones that stay are enough; starting ones do not count as capacity.
 * - Nothing is ended that gateways may still send to: first the mark, then `noticeMs`, then the stop; where replicas
 *   ran before this process, gateways get the time to find it first.
 * - A version that cannot be loaded, or that ends again and again before it was ever ready, is `failed`; it stays so
 *   until somebody deploys it again.
 */
export function decide(
  wishes: readonly DeploymentRow[],
  replicas: readonly ObservedReplica[],
  traffic: readonly TrafficRow[],
  memory: ReconcileMemory,
  nowMs: number,
  timings: ReconcileTimings = defaultTimings,
): Action[] {
  const byVersion = Map.groupBy(replicas, (replica) => versionKey(replica.model, replica.label))
  const wished = new Set(wishes.map((wish) => versionKey(wish.model, wish.version)))
  const actions: Action[] = []
  for (const wish of wishes) {
    const share = traffic.find((row) => row.model === wish.model)?.shares[wish.version] ?? 0
    const own = byVersion.get(versionKey(wish.model, wish.version)) ?? []
    actions.push(...decideVersion(wish, own, share, memory, nowMs, timings))
  }
  for (const [key, unwished] of byVersion) {
    if (wished.has(key)) continue
    const living = unwished.filter((replica) => !hasEnded(replica))
    actions.push(...living.flatMap((replica) => leave(replica, memory, nowMs, timings)))
    actions.push(...clear(unwished.filter(hasEnded)))
  }
  return actions
}

export function versionKey(model: string, label: string): string {
  return `${model}/${label}`
}

function decideVersion(
  wish: DeploymentRow,
  own: readonly ObservedReplica[],
  share: number,
  memory: ReconcileMemory,
  nowMs: number,
  timings: ReconcileTimings,
): Action[] {
  const key = versionKey(wish.model, wish.version)
  const dead = own.filter(hasEnded)
  const usable = own.filter(isComing)
  const stuck = usable.filter((replica) => isStuck(replica, nowMs, timings))
  const capable = usable.filter((replica) => !stuck.includes(replica))
  const ready = capable.filter(isReady)
  const failure = verdictOnFailures(dead, stuck, memory.failedStarts.get(key), timings)
  const isLeaving = share === 0 && (wish.status === 'draining' || wish.replicas === 0)
  const isGivenUp =
    share === 0 && !isLeaving && ready.length === 0 && (wish.status === 'failed' || failure.isFinal)
  const wanted = isGivenUp || isLeaving ? 0 : Math.max(wish.replicas, share > 0 ? 1 : 0)
  const kept = keep(capable, wanted, memory)
  const missing = wanted - kept.length - memory.starting.filter((each) => each === key).length
  const actions: Action[] = []
  for (const replica of own) {
    if (hasEnded(replica) || kept.includes(replica)) continue
    const isBusy = !isComing(replica) || stuck.includes(replica)
    actions.push(...(isBusy ? [stop(replica)] : leave(replica, memory, nowMs, timings)))
  }
  for (const replica of kept)
    if (memory.drainingSinceMs.has(replica.replicaId))
      actions.push({ kind: 'undrain', replicaId: replica.replicaId })
  const startsNow = mayStart(dead, memory.failedStarts.get(key), missing, nowMs, timings)
  for (let count = 0; count < startsNow; count++)
    actions.push({ kind: 'start', model: wish.model, label: wish.version })
  if (isLeaving) actions.push(...clear(dead))
  else actions.push(...clearHistory(dead, ready, nowMs, timings))
  const next = statusOf(wish, {
    wanted,
    ready: ready.length,
    living: own.length - dead.length,
    isGivenUp,
    isLeaving,
    failure: failure.reason,
    progress: capable.find((replica) => !isReady(replica))?.status.progress ?? null,
  })
  if (next.status !== wish.status || next.reason !== wish.reason)
    actions.push({ kind: 'set-status', model: wish.model, label: wish.version, ...next })
  return actions
}

interface VersionView {
  readonly wanted: number
  readonly ready: number
  readonly living: number
  readonly isGivenUp: boolean
  readonly isLeaving: boolean
  readonly failure: string | null
  /** What one that starts says that it does. */
  readonly progress: string | null
}

/**
 * deploying ──all ready──▶ active ──none ready──▶ deploying; deploying ──given up──▶ failed;
 * any ──stop──▶ draining ──none left──▶ stopped. A person's wish is the only way out of `failed` and `draining`,
 * but for traffic, which keeps a version alive.
 */
function statusOf(
  wish: DeploymentRow,
  view: VersionView,
): { status: DeploymentStatus; reason: string | null } {
  if (view.isGivenUp)
    return { status: 'failed', reason: wish.status === 'failed' ? wish.reason : view.failure }
  if (view.isLeaving)
    return view.living === 0
      ? { status: 'stopped', reason: null }
      : { status: 'draining', reason: wish.reason }
  const isWhole = view.ready >= view.wanted
  if (isWhole) return { status: 'active', reason: null }
  const why = [view.failure, view.progress].filter((each) => each !== null)
  const short = [`${view.ready} of ${view.wanted} replicas are ready`, ...why].join('; ')
  if (view.ready === 0) return { status: 'deploying', reason: why.length === 0 ? null : why.join('; ') }
  return {
    status: wish.status === 'deploying' || wish.status === 'failed' ? 'deploying' : 'active',
    reason: short,
  }
}

/** Which of the replicas stay: the ready ones, those that are not leaving yet, then the older ones. */
function keep(
  capable: readonly ObservedReplica[],
  wanted: number,
  memory: ReconcileMemory,
): ObservedReplica[] {
  const inOrder = capable.toSorted(
    (left, right) =>
      Number(isReady(right)) - Number(isReady(left)) ||
      Number(memory.drainingSinceMs.has(left.replicaId)) -
        Number(memory.drainingSinceMs.has(right.replicaId)) ||
      left.status.startedAt - right.status.startedAt ||
      (left.replicaId < right.replicaId ? -1 : 1),
  )
  return inOrder.slice(0, wanted)
}

function leave(
  replica: ObservedReplica,
  memory: ReconcileMemory,
  nowMs: number,
  timings: ReconcileTimings,
): Action[] {
  if (!isComing(replica)) return [stop(replica)]
  const sinceMs = memory.drainingSinceMs.get(replica.replicaId)
  if (sinceMs === undefined) return [{ kind: 'drain', replicaId: replica.replicaId }]
  const noticedMs = Math.max(sinceMs, memory.heardFromMs) + timings.noticeMs
  return nowMs >= noticedMs ? [stop(replica)] : []
}

/** What ended is kept while it tells something about the next start, and not longer. */
function clearHistory(
  dead: readonly ObservedReplica[],
  ready: readonly ObservedReplica[],
  nowMs: number,
  timings: ReconcileTimings,
): Action[] {
  const isSettled = ready.some(
    (replica) => nowMs - replica.status.startedAt - (replica.status.loadMs ?? 0) >= timings.settledMs,
  )
  if (isSettled) return clear(dead)
  const newestFirst = dead.toSorted((left, right) => right.status.startedAt - left.status.startedAt)
  return clear(newestFirst.slice(timings.crashesBeforeFailed))
}

function clear(replicas: readonly ObservedReplica[]): Action[] {
  return replicas.map(stop)
}

function stop(replica: ObservedReplica): Action {
  return { kind: 'stop', replicaId: replica.replicaId }
}

/** On its way to serving, or serving. */
function isComing(replica: ObservedReplica): boolean {
  return replica.alive && (replica.status.phase === 'starting' || replica.status.phase === 'ready')
}

/** A server that says it failed is about to end; it is left in peace, since its last words say why. */
export function hasEnded(replica: ObservedReplica): boolean {
  return !replica.alive || replica.status.phase === 'failed'
}

export function isReady(replica: ObservedReplica): boolean {
  return replica.alive && replica.status.phase === 'ready'
}

function isStuck(replica: ObservedReplica, nowMs: number, timings: ReconcileTimings): boolean {
  const { phase, startedAt, startTimeoutMs } = replica.status
  // One that has a time of its own ends by itself when it is over, and says why; this is for when it does not.
  const timeoutMs =
    startTimeoutMs === undefined ? timings.startTimeoutMs : startTimeoutMs + timings.ownWordsMs
  return phase === 'starting' && nowMs - startedAt > timeoutMs
}
