import type {
  Change,
  ChangeProposal,
  CheckName,
  Digest,
  SignOff,
  StepForecast,
  Waiver,
} from '../contracts/index.ts'
import { isSlipwayError, SlipwayError } from '../kernel/index.ts'
import { type Actor, authorOf, isSame, signerOf } from './actor.ts'
import { goBack } from './acts.ts'
import { type Bundle, bundleOf } from './bundle.ts'
import { contextOf } from './context.ts'
import { asStored, signOffsOf } from './evidence.ts'
import { checkingRun, heldBy } from './facts.ts'
import { conflict, createLedger, read, rolloutOf } from './ledger.ts'
import type { ChangeParts } from './parts.ts'
import { checksOf, hashOfPolicy } from './policy.ts'
import { draftOf, prepare } from './propose.ts'
import { reportOf } from './report.ts'
import { createRunner } from './runner.ts'
import { allowDeploy, planChecks, startOf } from './start.ts'
import { FINAL_STATES } from './state.ts'
import { JUDGE } from './step.ts'
import { waiverDraft } from './waiver.ts'

const DAY_MS = 86_400_000

/** Takes model changes from proposal to production. */
export interface Changes {
  /**
   * Registers the candidate and opens the change. `unknown_model`, `unknown_version`, `dataset_missing`,
   * `artifact_missing`, `no_traffic`; `invalid_request` for what cannot work.
   */
  propose(proposal: ChangeProposal, author: Actor): Promise<Change>
  /** What would be run, how long, and what it can detect; nothing is stored. */
  plan(proposal: ChangeProposal): Promise<{
    plans: { check: CheckName; plan: Record<string, unknown>; expectedMs: number; says: string[] }[]
    policy: { name: string; hash: Digest }
    rollout: StepForecast[]
    impossible: string[]
  }>
  /**
   * Runs the checks, and the rollout when they pass where the key may deploy; otherwise the change waits with its verdict
   * for one that may. Twice is the same as once.
   */
  start(id: string, actor: Actor): Promise<Change>
  /** Signs the evidence. `etag_mismatch` when it is not the present one, `sign_off_refused` for the author. */
  approve(id: string, decision: { evidenceHash: string; note: string }, actor: Actor): Promise<Change>
  /** Lets a blocked or inconclusive change go on for a while. `waiver_refused` for the author, `invalid_request`. */
  waive(id: string, waiver: Waiver, actor: Actor): Promise<Change>
  /** Rolls back once traffic moved, withdraws before. A running check ends within a second. */
  abort(id: string, reason: string, actor: Actor): Promise<Change>
  pause(id: string, actor: Actor): Promise<Change>
  /** Goes on with a held canary, or with a change that waits for a key that may deploy. */
  resume(id: string, actor: Actor): Promise<Change>
  /** Everything that `verifyBundle` needs. */
  bundle(id: string): Promise<Bundle>
  /** The report as Markdown. */
  report(id: string): Promise<string>
  /** Told the id of each change that was written; returns its undo. */
  onChange(listener: (id: string) => void): () => void
  /** Takes up what was open when the process before ended. */
  open(): Promise<void>
  /** Stops after the step at hand; checks keep their finished blocks. */
  close(): Promise<void>
}

export function createChanges(parts: ChangeParts): Changes {
  const { store, fleet, clock, policy } = parts
  const ledger = createLedger(parts)
  const runner = createRunner(parts, ledger)

  const propose = async (proposal: ChangeProposal, author: Actor): Promise<Change> => {
    const prepared = await prepare(parts, proposal)
    const { candidate, champion, model, dataset } = prepared
    const registered = await store.versions.register(proposal.model, candidate.label, candidate.spec)
    const change = draftOf({ ...prepared, candidate: registered }, parts, author)
    return store.changes.create(change, {
      at: change.createdAt,
      actor: author.name,
      type: 'change-proposed',
      data: asStored({
        proposal: change.proposal,
        champion: { label: champion.label, id: champion.id },
        candidate: change.candidate,
        model,
        dataset,
        key: author.publicId,
      }),
    })
  }

  const plan = async (proposal: ChangeProposal) => {
    const prepared = await prepare(parts, proposal)
    const change = draftOf(prepared, parts, { name: 'nobody' }, 'c-plan')
    const context = await contextOf(parts, change, 1, prepared)
    const { plans, impossible } = await planChecks(parts, context, checksOf(policy, proposal.risk))
    const rollout = await fleet.rollouts.forecast({
      model: proposal.model,
      champion: prepared.champion.label,
      candidate: prepared.candidate.label,
      plan: proposal.rollout,
    })
    const told = { name: policy.name, hash: hashOfPolicy(policy) }
    return { plans: plans.map(({ planHash: _, ...told }) => told), policy: told, rollout, impossible }
  }

  const start = async (id: string, actor: Actor): Promise<Change> => {
    const seen = await read(store, id)
    const draft = await startOf(parts, seen, actor)
    const change = draft === undefined ? seen.change : await ledger.append(seen, draft)
    await runner.wake(id)
    return change
  }

  const approve = async (
    id: string,
    decision: { evidenceHash: string; note: string },
    actor: Actor,
  ): Promise<Change> => {
    let signed: SignOff | undefined
    const change = await ledger.amend(id, ({ change, events }) => {
      if (change.state !== 'staging' && change.state !== 'sign-off') throw conflict(change, 'be signed')
      if (change.verdict?.evidenceHash !== decision.evidenceHash)
        throw new SlipwayError('etag_mismatch', { what: `The evidence of ${id}` })
      // By the policy that the change is judged by, whatever is in force for others now.
      const rules = (checkingRun(events)?.policy ?? policy).signOff
      const signer = signerOf(actor)
      if (rules.notTheAuthor && isSame(signer, authorOf(change, events)))
        throw new SlipwayError('sign_off_refused', { reason: `the key ${actor.name} proposed ${id}` })
      const at = clock.nowMs()
      const before = signOffsOf(events).find(
        (one) =>
          isSame(signer, { name: one.actor, key: one.key }) &&
          one.evidenceHash === decision.evidenceHash &&
          at < one.expiresAt,
      )
      const expiresAt = at + rules.expiresAfterDays * DAY_MS
      const who = { actor: actor.name, key: actor.publicId }
      signed = before ?? { change: id, gate: 'sign-off', ...who, ...decision, at, expiresAt }
      return before === undefined
        ? { type: 'sign-off-given', data: { ...signed }, actor: actor.name }
        : undefined
    })
    if (signed !== undefined) await store.signOffs.put(signed)
    await runner.wake(id)
    return change
  }

  const waive = async (id: string, waiver: Waiver, actor: Actor): Promise<Change> => {
    const change = await ledger.amend(id, (seen) => ({
      type: 'change-waived',
      data: waiverDraft(seen, waiver, signerOf(actor), clock.nowMs()),
      actor: actor.name,
    }))
    await runner.wake(id)
    return change
  }

  const abort = async (id: string, reason: string, actor: Actor): Promise<Change> => {
    const change = await ledger.amend(id, ({ change }) => {
      if (FINAL_STATES.includes(change.state) || change.state === 'watched')
        throw conflict(change, 'be stopped')
      const hasTraffic = change.state === 'canary' || change.state === 'live'
      const type = hasTraffic ? 'traffic-rolled-back' : 'change-withdrawn'
      const data = { reason, rollout: change.rolloutId, key: actor.publicId }
      return { type, data, actor: actor.name }
    })
    runner.stopMeasuring(id)
    if (change.state === 'rolled-back') await backAtOnce(change, reason)
    await runner.wake(id)
    return change
  }

  /** Traffic does not wait for the runner's turn; if this fails, the runner does it again. */
  const backAtOnce = async (change: Change, reason: string): Promise<void> => {
    const rollout = await rolloutOf(store, change)
    try {
      if (rollout !== undefined && rollout.state !== 'rolled-back')
        await goBack(parts, { change, rollout }, reason)
    } catch (error) {
      if (!isSlipwayError(error)) throw error
      parts.logger.warn({ change: change.id, reason: error.message }, 'traffic is not back yet')
    }
  }

  const hold = async (
    id: string,
    actor: Actor,
    type: 'canary-paused' | 'canary-resumed',
  ): Promise<Change> => {
    const isPause = type === 'canary-paused'
    const change = await ledger.amend(id, (seen) => {
      const { change, events } = seen
      const allowed = isPause ? undefined : allowDeploy(seen, actor)
      if (allowed !== undefined) return allowed
      if (change.state !== 'canary') throw conflict(change, isPause ? 'be paused' : 'be resumed')
      const holder = heldBy(events)
      const isDone = isPause ? holder !== undefined && holder !== JUDGE : holder === undefined
      const reason = isPause ? `held by ${actor.name}` : null
      const data = { rollout: change.rolloutId, reason, key: actor.publicId }
      return isDone ? undefined : { type, data, actor: actor.name }
    })
    const rollout = await rolloutOf(store, change)
    if (rollout !== undefined && isPause && rollout.state === 'progressing')
      await fleet.rollouts.pause(rollout.id, change.reason ?? 'held')
    if (rollout !== undefined && !isPause && rollout.state === 'paused')
      await fleet.rollouts.resume(rollout.id)
    await runner.wake(id)
    return change
  }

  return {
    propose,
    plan,
    start,
    approve,
    waive,
    abort,
    pause: (id, actor) => hold(id, actor, 'canary-paused'),
    resume: (id, actor) => hold(id, actor, 'canary-resumed'),
    bundle: (id) => bundleOf(parts, id),
    report: async (id) => reportOf(await bundleOf(parts, id)),
    onChange: (listener) => store.watch(({ topic, key }) => topic === 'changes' && listener(key)),
    open: () => runner.open(),
    close: () => runner.close(),
  }
}
