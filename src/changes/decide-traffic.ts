import type { Change, ChangeEvent, Rollout } from '../contracts/index.ts'
import { heldBy, last, lastStep } from './facts.ts'
import { gateOfCanary } from './gates.ts'
import { LIMITS } from './parts.ts'
import { gate, JUDGE, type Step, type View, write } from './step.ts'
import { endWords, waiverOf } from './waiver.ts'

/** The decisions of a change whose traffic moves, stands, or went back. */

/** Cases of failed requests come in by telemetry batches; after this time the last ones are there. */
const STRAGGLERS_MS = 3_000

export function decideCanary(view: View): Step {
  const { change, events, rollout, candidateShare, nowMs } = view
  if (rollout === undefined) {
    const ended = backByWaiver(view)
    if (ended !== undefined) return ended
    const untilMs = (last(events, 'canary-started')?.at ?? nowMs) + LIMITS.startMs
    return nowMs < untilMs
      ? { kind: 'start-rollout' }
      : write('traffic-rolled-back', { reason: 'the canary could not be started within a minute' })
  }
  const logged = lastStep(events)
  if (logged === undefined || logged < Math.min(rollout.step, rollout.plan.steps.length - 1)) {
    const step = logged === undefined ? 0 : logged + 1
    return write(
      'step-promoted',
      { rollout: rollout.id, step, sharePercent: rollout.plan.steps[step] },
      JUDGE,
    )
  }
  const isFull = rollout.step === rollout.plan.steps.length - 1 && candidateShare === 100
  if (rollout.state === 'done' || (rollout.state === 'promoting' && isFull))
    return last(events, 'gate-decided')?.data.gate === 'canary'
      ? write('canary-finished', { rollout: rollout.id }, JUDGE)
      : gate(gateOfCanary(rollout), JUDGE)
  return (
    wentBack(events, rollout, candidateShare) ?? backByWaiver(view) ?? followHold(change, events, rollout)
  )
}

/** Traffic that moved on a waiver goes back with it, unless the judge or a person took it back already. */
function backByWaiver({ events, rollout, nowMs }: View): Step | undefined {
  const waiver = waiverOf(events)
  const isGoing = rollout?.state === 'aborting'
  if (waiver === undefined || nowMs < waiver.until || isGoing) return undefined
  return write('traffic-rolled-back', {
    reason: `${endWords(waiver)} before the change was live`,
    rollout: rollout?.id ?? null,
  })
}

/** The judge, or whoever spoke to it, gave up: told as soon as the candidate has no traffic. */
function wentBack(
  events: readonly ChangeEvent[],
  rollout: Rollout,
  candidateShare: number,
): Step | undefined {
  const isBack = rollout.state === 'rolled-back' || (rollout.state === 'aborting' && candidateShare === 0)
  if (!isBack) return undefined
  const decided = events.findLast(({ type, data }) => type === 'gate-decided' && data.gate === 'canary')
  if (decided?.data.result !== 'fail') return gate(gateOfCanary(rollout), JUDGE)
  return write('traffic-rolled-back', { rollout: rollout.id, reason: rollout.reason ?? 'rolled back' }, JUDGE)
}

/** Keeps the log and the rollout of one mind about who holds it. */
function followHold(change: Change, events: readonly ChangeEvent[], rollout: Rollout): Step {
  const holder = heldBy(events)
  if (rollout.state === 'paused')
    return holder === undefined
      ? write('canary-paused', { rollout: rollout.id, reason: rollout.reason }, JUDGE)
      : { kind: 'wait', why: rollout.reason ?? 'held' }
  if (holder === JUDGE) return write('canary-resumed', { rollout: rollout.id }, JUDGE)
  // A person's hold that never reached the rollout is carried out.
  const canHold = rollout.state === 'progressing'
  if (holder !== undefined && canHold) return { kind: 'pause-rollout' }
  return { kind: 'wait', why: rollout.reason ?? `${change.candidate.label} takes traffic` }
}

/** The old version is kept so long that going back is one write; the judge goes on looking until it is let go. */
export function decideLive({ change, events, rollout, candidateShare }: View): Step {
  if (rollout === undefined) throw new Error(`${change.id} is live and its rollout is gone`)
  if (rollout.state === 'done')
    return write('champion-replaced', { champion: change.candidate.label, before: change.champion.label })
  return (
    wentBack(events, rollout, candidateShare) ?? {
      kind: 'wait',
      why: `${change.champion.label} is kept ready`,
    }
  )
}

export function decideRolledBack(view: View): Step {
  const { change, events, rollout, candidateShare, incidentExists, nowMs } = view
  const isOpen = rollout !== undefined && rollout.state !== 'rolled-back' && rollout.state !== 'done'
  const isStillLive = rollout?.state === 'done' && candidateShare > 0
  if (isStillLive || (isOpen && rollout.state !== 'aborting'))
    return { kind: 'abort-rollout', reason: change.reason ?? 'rolled back' }
  const rolledBack = last(events, 'traffic-rolled-back') as ChangeEvent
  if (last(events, 'change-closed') !== undefined) return { kind: 'rest' }
  if (last(events, 'incident-opened') === undefined)
    return write('incident-opened', {
      incident: incidentOf(change.id),
      title: `${change.proposal.model} ${change.candidate.label} was rolled back: ${change.reason ?? 'no reason given'}`,
    })
  if (!incidentExists) return { kind: 'open-incident' }
  const untilMs = rolledBack.at + STRAGGLERS_MS
  if (nowMs < untilMs || isOpen) return { kind: 'wait', why: 'the last failed requests come in', untilMs }
  return { kind: 'settle' }
}

/** One incident a change: asking twice opens one. */
export function incidentOf(changeId: string): string {
  return `i-${changeId.slice(2)}`
}
