import type { ObservedReplica } from '../fleet.ts'

export interface ReplicaTimings {
  /** Wait before the restart after the first end; doubles with each further one. */
  readonly firstBackoffMs: number
  readonly longestBackoffMs: number
  /** So many ends without ever having been ready are a failure of the version. */
  readonly crashesBeforeFailed: number
  /** A replica that was ready for so long clears what ended before it. */
  readonly settledMs: number
}

export interface FailedStart {
  readonly code: string
  readonly detail: string
  readonly atMs: number
}

export interface FailureVerdict {
  /** Starting it again would end the same way. */
  readonly isFinal: boolean
  readonly reason: string | null
}

const FINAL: ReadonlySet<string> = new Set(['engine_refused', 'engine_too_slow'])

/**
 * Reads what ended. An artifact that cannot be read is final at once: its content is pinned by digest and will not
 * change; so are settings that a model server refuses to start with, and a time to start that was not enough. Anything
 * else may be chance, until it has happened `crashesBeforeFailed` times to replicas that never were ready; those that
 * were ready once show that the version can run, and are restarted for good, ever more slowly.
 */
export function verdictOnFailures(
  dead: readonly ObservedReplica[],
  stuck: readonly ObservedReplica[],
  failedStart: FailedStart | undefined,
  timings: ReplicaTimings,
): FailureVerdict {
  const said = dead.toSorted(byStart).at(-1)?.status.failure ?? failedStart ?? null
  const pinned = [...dead.map((replica) => replica.status.failure), failedStart].find(
    (failure) => failure?.code.startsWith('artifact_') || FINAL.has(failure?.code ?? ''),
  )
  if (pinned !== undefined && pinned !== null)
    return { isFinal: true, reason: `${pinned.code}: ${pinned.detail}` }
  const neverReady = dead.filter((replica) => replica.status.loadMs === null)
  const isLooping = neverReady.length >= timings.crashesBeforeFailed && neverReady.length === dead.length
  const why = said === null ? 'ended without a word; see its log' : `${said.code}: ${said.detail}`
  if (isLooping)
    return { isFinal: true, reason: `ended ${dead.length} times before it was ready, last: ${why}` }
  if (stuck.length > 0) return { isFinal: true, reason: 'did not become ready in time' }
  if (dead.length === 0 && failedStart === undefined) return { isFinal: false, reason: null }
  const times = dead.length > 1 ? `${dead.length} times, last` : 'once'
  return { isFinal: false, reason: `ended ${times}: ${why}` }
}

/**
 * How many of the missing replicas may be started now. The first end is answered at once (the usual cause is a
 * process that was killed); from the second on the wait doubles, counted from the newest start, and they start one by one.
 */
export function mayStart(
  dead: readonly ObservedReplica[],
  failedStart: FailedStart | undefined,
  missing: number,
  nowMs: number,
  timings: ReplicaTimings,
): number {
  if (missing <= 0) return 0
  const ends = dead.length + (failedStart === undefined ? 0 : 1)
  if (ends <= 1 && failedStart === undefined) return missing
  const newestMs = Math.max(failedStart?.atMs ?? 0, ...dead.map((replica) => replica.status.startedAt))
  const waitMs = Math.min(timings.longestBackoffMs, timings.firstBackoffMs * 2 ** (ends - 1))
  return nowMs - newestMs >= waitMs ? 1 : 0
}

function byStart(left: ObservedReplica, right: ObservedReplica): number {
  return left.status.startedAt - right.status.startedAt
}
