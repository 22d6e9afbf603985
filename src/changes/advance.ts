import { isSlipwayError } from '../kernel/index.ts'
import { goBack, openIncident, settle, stage, startRollout, stopCandidate } from './acts.ts'
import { decide } from './decide.ts'
import { incidentOf } from './decide-traffic.ts'
import { signOffsOf } from './evidence.ts'
import { countHoldout } from './holdout.ts'
import { isConflict, type Ledger, read } from './ledger.ts'
import { measure, NotReady } from './measure.ts'
import { type ChangeParts, LIMITS } from './parts.ts'
import { RUNNER, type Step, type View } from './step.ts'

/** More steps than any change has; a loop that does not move is a fault, not something to spin on. */
const MOST_STEPS = 2_000
const FIRST_PAUSE_MS = 500
const LONGEST_REASON = 400

export type Outcome = Extract<Step, { kind: 'wait' | 'rest' }>

/** Lets one change at a time measure; a machine that runs two checks at once measures neither. */
export interface Turn {
  take(id: string): boolean
  give(id: string): void
}

/**
 * Does the next missing thing until there is nothing more to do now. Reads everything anew before each step, so that
 * it can be stopped at any point and called again, here or in another process.
 */
export async function advance(
  parts: ChangeParts,
  ledger: Ledger,
  id: string,
  run: {
    readonly signal: AbortSignal
    readonly turn: Turn
    readonly measuring: Map<string, AbortController>
  },
): Promise<Outcome> {
  const tries = new Map<string, number>()
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    run.signal.throwIfAborted()
    const view = await look(parts, id)
    const step = decide(view)
    if (step.kind === 'rest' || step.kind === 'wait') return step
    if (step.kind === 'stop-candidate') {
      await stopCandidate(parts, view)
      return { kind: 'rest' }
    }
    try {
      if (step.kind !== 'measure') {
        const wait = await act(parts, ledger, view, step, run.signal)
        if (wait !== undefined) return wait
      } else if (run.turn.take(id)) {
        await measureOrStop(parts, ledger, view, step, run, tries)
      } else return { kind: 'wait', why: 'another change is being measured' }
    } catch (error) {
      // Somebody else wrote first: look again.
      if (!isConflict(error)) throw error
    } finally {
      run.turn.give(id)
    }
  }
  throw new Error(`change ${id} took ${MOST_STEPS} steps and is not at rest`)
}

async function act(
  parts: ChangeParts,
  ledger: Ledger,
  view: View,
  step: Exclude<Step, { kind: 'measure' | 'rest' | 'wait' | 'stop-candidate' }>,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  switch (step.kind) {
    case 'write':
      await ledger.append(view, step.draft)
      return
    case 'count-holdout':
      return countHoldout(parts, ledger, view, step.check).then(() => undefined)
    case 'stage':
      return stage(parts, ledger, view, signal).then(() => undefined)
    case 'open-incident':
      return openIncident(parts, view).then(() => undefined)
    case 'settle':
      return settle(parts, ledger, view).then(() => undefined)
    case 'start-rollout':
      return fleetActs(parts, view, 'the rollout did not start yet', () => startRollout(parts, view, signal))
    case 'pause-rollout':
      return fleetActs(parts, view, 'the rollout is not held yet', async () => {
        await parts.fleet.rollouts.pause(
          (view.rollout as { id: string }).id,
          view.change.reason ?? 'held by a person',
        )
      })
    case 'abort-rollout':
      return fleetActs(parts, view, 'traffic is not back yet', () => goBack(parts, view, step.reason))
  }
}

/** The fleet may say no for now (another rollout, a split that moved); then the change waits and asks again. */
async function fleetActs(
  { logger }: ChangeParts,
  { change }: View,
  why: string,
  doIt: () => Promise<void>,
): Promise<Outcome | undefined> {
  try {
    await doIt()
    return undefined
  } catch (error) {
    if (!isSlipwayError(error) && !(error instanceof NotReady)) throw error
    logger.warn({ change: change.id, reason: error.message }, why)
    return { kind: 'wait', why: `${why}: ${error.message}` }
  }
}

async function measureOrStop(
  parts: ChangeParts,
  ledger: Ledger,
  view: View,
  { planned }: Extract<Step, { kind: 'measure' }>,
  run: { readonly signal: AbortSignal; readonly measuring: Map<string, AbortController> },
  tries: Map<string, number>,
): Promise<void> {
  const { id } = view.change
  const stop = new AbortController()
  run.measuring.set(id, stop)
  try {
    await measure(parts, view, planned, AbortSignal.any([run.signal, stop.signal]))
  } catch (error) {
    if (stop.signal.aborted) return
    run.signal.throwIfAborted()
    const tried = (tries.get(planned.check) ?? 0) + 1
    tries.set(planned.check, tried)
    const reason = whyBroken(error, planned.check)
    parts.logger.warn({ change: id, check: planned.check, tried, error }, 'check broke off')
    if (error instanceof NotReady)
      await ledger.append(view, {
        type: 'change-blocked',
        data: { reason },
        actor: RUNNER,
      })
    else if (tried >= LIMITS.checkTries)
      await ledger.append(view, {
        type: 'change-inconclusive',
        data: { reason },
        actor: RUNNER,
      })
    else
      await parts.clock
        .sleep(FIRST_PAUSE_MS * 4 ** (tried - 1), AbortSignal.any([run.signal, stop.signal]))
        .catch(() => undefined)
  } finally {
    run.measuring.delete(id)
  }
}

/** In one line, for people; the log has the rest. */
function whyBroken(error: unknown, check: string): string {
  const said = (error as Error).message.replace(/\s+/g, ' ').slice(0, LONGEST_REASON)
  const isWhole = error instanceof NotReady || (isSlipwayError(error) && error.code === 'check_failed')
  return isWhole ? said : `The check ${check} could not be run: ${said}`
}

/** Everything `decide` may read; the heavy and the far parts only in the states that need them. */
async function look({ store, fleet, clock }: ChangeParts, id: string): Promise<View> {
  const { change, events } = await read(store, id)
  const { model } = change.proposal
  const is = (...states: string[]) => states.includes(change.state)
  const open = is('staging', 'sign-off', 'canary', 'rolled-back') ? await store.rollouts.listOpen() : []
  const other = open.find((rollout) => rollout.model === model && rollout.changeId !== id)
  const incidents = is('rolled-back') ? await store.incidents.list({ model }, { limit: 200 }) : undefined
  return {
    change,
    events,
    evidence: is('checking') ? await store.evidence.list(id) : [],
    signOffs: signOffsOf(events),
    rollout:
      change.rolloutId === null
        ? open.find((rollout) => rollout.changeId === id)
        : await store.rollouts.get(change.rolloutId),
    otherRollout: other && (other.changeId ?? `${other.model} ${other.candidate}`),
    candidateShare: is('canary', 'live', 'rolled-back')
      ? ((await store.traffic.get(model))?.shares[change.candidate.label] ?? 0)
      : 0,
    championNow: is('staging', 'sign-off') ? await fleet.championOf(model) : undefined,
    incidentExists: incidents?.items.some((incident) => incident.id === incidentOf(id)) ?? false,
    nowMs: clock.nowMs(),
  }
}
