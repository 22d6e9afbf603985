import type { Rollout, RolloutLook, TrafficShares } from '../../contracts/index.ts'

/**
 * ```
 * pending ──thresholds fixed, candidate ready──▶ progressing(0) ──every guard within its margin──▶ promoting(1) ──▶ …
 * progressing(step) ──no traffic to judge by──▶ paused(inconclusive) ──traffic again──▶ progressing(step)
 * progressing(step) ──a person, or a split that is not ours──▶ paused(manual) ──resume──▶ progressing(step)
 * promoting(step) ──capacity there, split written──▶ progressing(step), or, at 100 %, watched for scaleDownDelayMs ──▶ done
 * any of them ──a guard is worse, the brake, the candidate failed, a person──▶ aborting ──split written, silence──▶ rolled-back
 * ```
 * `step` is the index of the share in force (or being put in force). `stepStartedAt` is when the step, or in `aborting`
 * the decision, began. A pause says who holds it in `reason`: `manual: …` or `inconclusive: …`.
 *
 * `advance` looks at the stored rollout and at the world and says the one next move. Each move is one write; after
 * it, the next look at the world says what comes next. A process that dies between two writes is followed by one that
 * sees the same rollout and the same world, so it makes the same move. Decisions are stored before their effects.
 *
 * While paused the judge goes on looking: a pause holds promotion back, never the brake or an abort.
 */
export function advance(rollout: Rollout, world: RolloutWorld, nowMs: number): Move {
  switch (rollout.state) {
    case 'pending':
      return begin(rollout, world, nowMs)
    case 'progressing':
    case 'paused':
      return judgeStep(rollout, world, nowMs)
    case 'promoting':
      return promote(rollout, world, nowMs)
    case 'aborting':
      return goBack(rollout, world, nowMs)
    case 'done':
    case 'rolled-back':
      return WAIT
  }
}

export interface RolloutWorld {
  readonly shares: TrafficShares
  /** When the present split was written. */
  readonly splitAtMs: number
  readonly candidate: ArmState
  readonly champion: ArmState
  /** The guards with their thresholds, or how many champion requests are missing for them. */
  readonly guards: { readonly guards: Rollout['guards'] } | { readonly missingRequests: number }
  /** The judge's look at this moment; undefined while there is nothing to judge. */
  readonly look: RolloutLook | undefined
  /** Whether the newest stored look is old enough for another one that decides nothing. */
  readonly isLookDue: boolean
  /** When the candidate last answered a request of the split; null: not since the decision to go back. */
  readonly candidateAnsweredAtMs: number | null
}

export interface ArmState {
  readonly status: 'absent' | 'deploying' | 'active' | 'draining' | 'failed' | 'stopped'
  readonly wanted: number
  readonly ready: number
  /** How long it has had no ready replica, as far as this process has seen; 0 when it has one. */
  readonly unreadyForMs: number
  /** No request of the split in the last settled seconds. */
  readonly isSilent: boolean
}

export type Move =
  | { readonly kind: 'wait' }
  | { readonly kind: 'update'; readonly patch: Partial<Omit<Rollout, 'id'>> }
  | { readonly kind: 'look'; readonly look: RolloutLook; readonly patch: Partial<Omit<Rollout, 'id'>> }
  | { readonly kind: 'split'; readonly candidatePercent: number; readonly reason: string }
  | { readonly kind: 'scale-candidate'; readonly replicas: number }
  | { readonly kind: 'stop'; readonly version: string }

const WAIT: Move = { kind: 'wait' }

export const HELD_BY_PERSON = 'manual: '
export const HELD_BY_DOUBT = 'inconclusive: '

/** Without a window to judge by for so long, the rollout says so by pausing. */
const PAUSE_AFTER_MS = 30_000
/** A replica that was killed is back by then, or is not coming soon; until then its units get refusals. */
const LONGEST_UNREADY_MS = 5_000
/** After the split went back, silence is believed when telemetry of so much time has settled. */
const SILENCE_MS = 4_000
/** Going back is over then, measured or not. */
const LONGEST_SILENCE_WAIT_MS = 30_000

function begin(rollout: Rollout, world: RolloutWorld, nowMs: number): Move {
  const share = rollout.plan.steps[0] ?? 100
  if (isGone(rollout, world)) return goneCandidate(world, nowMs)
  if ('missingRequests' in world.guards)
    return say(
      rollout,
      `${HELD_BY_DOUBT}${world.guards.missingRequests} more champion requests are needed to fix the latency thresholds`,
    )
  const areStored = rollout.guards.every((guard, index) => {
    const fixed = 'guards' in world.guards ? world.guards.guards[index] : undefined
    return guard.thresholdMs === fixed?.thresholdMs
  })
  if (!areStored) {
    const { guards } = world.guards
    return { kind: 'update', patch: { guards, startedAt: nowMs, stepStartedAt: nowMs, reason: null } }
  }
  return capacityFor(rollout, share, world) ?? enter(rollout, world, share, nowMs)
}

function judgeStep(rollout: Rollout, world: RolloutWorld, nowMs: number): Move {
  const share = rollout.plan.steps[rollout.step] ?? 100
  const isHeld = rollout.state === 'paused' && rollout.reason?.startsWith(HELD_BY_PERSON) === true
  if (isGone(rollout, world)) return goneCandidate(world, nowMs)
  if (!isHeld && shareOf(world, rollout.candidate) !== share)
    return { kind: 'update', patch: hold(HELD_BY_PERSON, 'the traffic was set by hand') }
  const { look } = world
  if (look === undefined) return WAIT
  const move = (patch: Partial<Omit<Rollout, 'id'>>): Move => ({ kind: 'look', look, patch })
  if (look.decision === 'brake' || look.decision === 'abort') return move(abortion(look.reason, nowMs))
  if (look.decision === 'promote' && !isHeld)
    return move({ state: 'promoting', step: rollout.step + 1, stepStartedAt: nowMs, reason: null })
  if (rollout.state === 'paused' && !isHeld && look.decision === 'continue')
    return move({ state: 'progressing', reason: null })
  if (rollout.state === 'progressing' && look.decision === 'hold' && isDoubtOld(rollout, look, nowMs))
    return move(hold(HELD_BY_DOUBT, look.reason))
  return world.isLookDue ? move({}) : WAIT
}

function promote(rollout: Rollout, world: RolloutWorld, nowMs: number): Move {
  const share = rollout.plan.steps[rollout.step] ?? 100
  const { look } = world
  if (isGone(rollout, world)) return goneCandidate(world, nowMs)
  if (look !== undefined && (look.decision === 'brake' || look.decision === 'abort'))
    return { kind: 'look', look, patch: abortion(look.reason, nowMs) }
  if (shareOf(world, rollout.candidate) !== share || share < 100)
    return capacityFor(rollout, share, world) ?? enter(rollout, world, share, nowMs)
  if (nowMs - world.splitAtMs < rollout.plan.scaleDownDelayMs)
    return world.isLookDue && look !== undefined ? { kind: 'look', look, patch: {} } : WAIT
  // Not seeing anything is not seeing that all is well.
  if (look === undefined || look.decision === 'hold')
    return say(rollout, `${HELD_BY_DOUBT}${look?.reason ?? 'no look'}`)
  if (isUp(world.champion)) {
    return isLeft(world.champion, world.candidate) ? { kind: 'stop', version: rollout.champion } : WAIT
  }
  return { kind: 'update', patch: { state: 'done', finishedAt: nowMs, reason: null } }
}

function goBack(rollout: Rollout, world: RolloutWorld, nowMs: number): Move {
  if (shareOf(world, rollout.champion) < 100)
    return { kind: 'split', candidatePercent: 0, reason: rollout.reason ?? 'aborted' }
  const sinceMs = nowMs - Math.max(rollout.stepStartedAt, world.splitAtMs)
  const isQuiet = sinceMs >= SILENCE_MS && isLeft(world.candidate, world.champion)
  if (!isQuiet && sinceMs < LONGEST_SILENCE_WAIT_MS) return WAIT
  if (isUp(world.candidate)) return { kind: 'stop', version: rollout.candidate }
  const answeredAtMs = world.candidateAnsweredAtMs ?? rollout.stepStartedAt
  const rollbackMs = isQuiet ? Math.max(0, Math.round(answeredAtMs - rollout.stepStartedAt)) : null
  return { kind: 'update', patch: { state: 'rolled-back', finishedAt: nowMs, rollbackMs } }
}

/** The split of the step; when it stands, the state that goes with it. */
function enter(rollout: Rollout, world: RolloutWorld, share: number, nowMs: number): Move {
  if (shareOf(world, rollout.candidate) !== share)
    return { kind: 'split', candidatePercent: share, reason: `step ${rollout.step + 1}` }
  const state = share === 100 ? 'promoting' : 'progressing'
  return { kind: 'update', patch: { state, stepStartedAt: nowMs, reason: null } }
}

/** Before its share grows the candidate has at least that share of the champion's replicas, ready. */
function capacityFor(
  rollout: Rollout,
  share: number,
  { champion, candidate }: RolloutWorld,
): Move | undefined {
  const needed = Math.max(1, Math.ceil((champion.wanted * share) / 100))
  if (candidate.wanted < needed) return { kind: 'scale-candidate', replicas: needed }
  if (candidate.status === 'active' && candidate.ready >= needed) return undefined
  return say(rollout, `waiting for the candidate: ${candidate.ready} of ${needed} replicas are ready`)
}

/** A candidate that was given up, or has traffic and nobody to answer it: that is known without counting requests. */
function isGone(rollout: Rollout, world: RolloutWorld): boolean {
  const hasTraffic = shareOf(world, rollout.candidate) > 0
  return (
    world.candidate.status === 'failed' || (hasTraffic && world.candidate.unreadyForMs >= LONGEST_UNREADY_MS)
  )
}

function goneCandidate(world: RolloutWorld, nowMs: number): Move {
  const reason =
    world.candidate.status === 'failed'
      ? 'the candidate failed and was given up'
      : `the candidate has had no ready replica for ${Math.round(world.candidate.unreadyForMs / 1000)} s`
  const patch = abortion(reason, nowMs)
  if (world.look === undefined) return { kind: 'update', patch }
  return { kind: 'look', look: { ...world.look, decision: 'abort', reason }, patch }
}

export function abortion(reason: string, nowMs: number): Partial<Omit<Rollout, 'id'>> {
  return { state: 'aborting', reason, stepStartedAt: nowMs }
}

export function hold(
  who: typeof HELD_BY_PERSON | typeof HELD_BY_DOUBT,
  why: string,
): Partial<Omit<Rollout, 'id'>> {
  return { state: 'paused', reason: `${who}${why}` }
}

function say(rollout: Rollout, reason: string): Move {
  return rollout.reason === reason ? WAIT : { kind: 'update', patch: { reason } }
}

function isDoubtOld(rollout: Rollout, look: RolloutLook, nowMs: number): boolean {
  return nowMs - Math.max(rollout.stepStartedAt, look.windowEndMs) >= PAUSE_AFTER_MS
}

/**
 * Only traffic that was seen to have stopped lets capacity go. Silence of both arms is no such sight: after a restart of
 * control, gateways that are not connected yet send no telemetry, and deal by the split before.
 */
function isLeft(arm: ArmState, other: ArmState): boolean {
  return arm.isSilent && !other.isSilent
}

function isUp(arm: ArmState): boolean {
  return arm.status !== 'absent' && arm.status !== 'stopped' && arm.status !== 'draining'
}

function shareOf(world: RolloutWorld, version: string): number {
  return world.shares[version] ?? 0
}
