import type { Rollout, RolloutLook } from '../contracts/index.ts'
import { canonicalJson, digestOf, isSlipwayError } from '../kernel/index.ts'
import { canaryWindowsOf } from './canary-windows.ts'
import { incidentOf } from './decide-traffic.ts'
import { differencesOf } from './differences.ts'
import { asStored } from './evidence.ts'
import { last } from './facts.ts'
import type { StagingReport } from './gates.ts'
import type { Ledger } from './ledger.ts'
import { ensureReady, NotReady } from './measure.ts'
import { type ChangeParts, LIMITS } from './parts.ts'
import { RUNNER, type View } from './step.ts'

/** What is done in the world between two events. Every act may be repeated after a crash. */

/** A handful of golden items through the gateway to the candidate, and what its spec says differently. */
export async function stage(
  parts: ChangeParts,
  ledger: Ledger,
  view: View,
  signal: AbortSignal,
): Promise<void> {
  const { store } = parts
  const { change } = view
  const { model, data } = change.proposal
  const candidate = await store.versions.get(model, change.candidate.label)
  const champion = await store.versions.get(model, change.champion.label)
  const items = (await store.datasets.items(data.golden)).slice(0, LIMITS.probeRows)
  const outputs = candidate.spec.contract.outputs.map(({ name }) => name)
  const failures: string[] = []
  // After a waiver the candidate was stopped in between.
  const down = await ensureReady(parts, change, signal).catch(whyNotReady)
  if (down !== undefined) failures.push(down)
  for (const item of down === undefined ? items : []) {
    const failure = await parts.probe(
      { model, version: candidate.label, inputs: item.inputs, outputs },
      signal,
    )
    if (failure !== undefined) failures.push(`item ${item.id}: ${failure}`)
  }
  const report: StagingReport = {
    probe: { sent: down === undefined ? items.length : 0, failures },
    differences: differencesOf(champion.spec, candidate.spec),
  }
  await ledger.append(view, { type: 'staging-finished', data: asStored({ ...report }), actor: RUNNER })
}

function whyNotReady(error: unknown): string {
  if (error instanceof NotReady) return error.message
  throw error
}

export async function startRollout(parts: ChangeParts, { change }: View, signal: AbortSignal): Promise<void> {
  await ensureReady(parts, change, signal)
  await parts.fleet.rollouts.start({
    model: change.proposal.model,
    champion: change.champion.label,
    candidate: change.candidate.label,
    plan: change.proposal.rollout,
    changeId: change.id,
  })
}

/** Back to the champion: through the rollout while it is open, by a traffic write of its own afterwards. */
export async function goBack(
  parts: Pick<ChangeParts, 'fleet'>,
  { change, rollout }: Pick<View, 'change' | 'rollout'>,
  reason: string,
): Promise<void> {
  if (rollout === undefined) return
  if (rollout.state === 'done') await parts.fleet.rollback(change.proposal.model, reason)
  else await parts.fleet.rollouts.abort(rollout.id, reason)
}

export async function openIncident(parts: ChangeParts, { change, events, rollout }: View): Promise<void> {
  const opened = last(events, 'incident-opened')
  const back = last(events, 'traffic-rolled-back')
  const { model } = change.proposal
  await parts.store.incidents.open({
    id: incidentOf(change.id),
    model,
    version: change.candidate.label,
    changeId: change.id,
    openedAt: back?.at ?? parts.clock.nowMs(),
    closedAt: null,
    title: String(opened?.data.title ?? `${model} ${change.candidate.label} was rolled back`),
    actions: [
      {
        at: back?.at ?? parts.clock.nowMs(),
        what: `All traffic went back to ${change.champion.label}${back === undefined ? '' : ` (${back.actor})`}.`,
      },
    ],
    before: [
      `Change ${change.id} took ${model} from ${change.champion.label} to ${change.candidate.label}.`,
      ...(rollout === undefined ? [] : [`The canary stood at ${rollout.plan.steps[rollout.step] ?? 0} %.`]),
    ],
  })
}

/**
 * The end of a change that is over: keep its failed requests as cases, stop its candidate where it did not go live, and
 * seal what the judge saw into the chain.
 */
export async function settle(parts: ChangeParts, ledger: Ledger, view: View): Promise<void> {
  const { change, rollout } = view
  if (change.state !== 'watched') await stopCandidate(parts, view)
  const cases = change.state === 'rolled-back' ? await keepCases(parts, view) : 0
  const looks = rollout === undefined ? [] : await parts.store.rollouts.looks(rollout.id)
  const windows = rollout === undefined ? {} : { windows: await keepWindows(parts, rollout, looks) }
  const seal = rollout === undefined ? {} : { rollout: digestOf(rollout), looks: digestOf(looks), ...windows }
  await ledger.append(view, { type: 'change-closed', data: { failureCases: cases, ...seal }, actor: RUNNER })
}

/** Under their digest, so that they are there as they were when telemetry has let the windows go. */
async function keepWindows(
  { store }: ChangeParts,
  rollout: Rollout,
  looks: readonly RolloutLook[],
): Promise<string> {
  const windows = asStored(await canaryWindowsOf({ store }, rollout, looks))
  const digest = digestOf(windows)
  await store.artifacts.put(digest, Buffer.from(canonicalJson(windows)))
  return digest
}

const TOOK = 'The last request on the candidate was answered'

/** Counted from what is stored, so that doing it again after a crash says the same. */
async function keepCases({ store, clock }: ChangeParts, { change, rollout }: View): Promise<number> {
  const { model } = change.proposal
  const incidentId = incidentOf(change.id)
  if (rollout !== undefined)
    await store.failureCases.attach(
      { model, version: change.candidate.label, sinceMs: rollout.startedAt },
      { changeId: change.id, incidentId },
    )
  const { items, next } = await store.failureCases.list({ model, change: change.id }, { limit: 1000 })
  const incidents = await store.incidents.list({ model }, { limit: 200 })
  const incident = incidents.items.find(({ id }) => id === incidentId)
  const at = clock.nowMs()
  const tookMs = rollout?.rollbackMs ?? null
  if (
    incident !== undefined &&
    tookMs !== null &&
    !incident.actions.some(({ what }) => what.startsWith(TOOK))
  )
    await store.incidents.addAction(incidentId, {
      at: clock.nowMs(),
      what: `${TOOK} ${Math.round(tookMs)} ms after the decision.`,
    })
  const what = `${next === null ? items.length : `More than ${items.length}`} failed requests were kept as negative cases.`
  if (incident !== undefined && !incident.actions.some((action) => action.what === what))
    await store.incidents.addAction(incidentId, { at, what })
  if (incident !== undefined && incident.closedAt === null) await store.incidents.close(incidentId, at)
  return items.length
}

/** Only what this change started, only without traffic, only when no other open change wants it. */
export async function stopCandidate(
  { store, fleet, logger }: ChangeParts,
  { change, events }: View,
): Promise<void> {
  const { model } = change.proposal
  const { label } = change.candidate
  const started = last(events, 'checking-started')
  if (started === undefined || started.data.candidateRan === true) return
  const found = await store.deployments.find(model, label)
  if (found === undefined || found.status === 'stopped' || found.status === 'draining') return
  const open = await store.changes.list({ model, open: true }, { limit: 100 })
  const isWanted = open.items.some(
    (other) => other.id !== change.id && other.candidate.label === label && isRunning(other.state),
  )
  if (isWanted) return
  try {
    await fleet.stop(model, label)
  } catch (error) {
    if (!isSlipwayError(error)) throw error
    logger.warn({ change: change.id, version: label, reason: error.message }, 'candidate left running')
  }
}

function isRunning(state: string): boolean {
  return ['checking', 'verdict', 'staging', 'sign-off', 'canary', 'live'].includes(state)
}
