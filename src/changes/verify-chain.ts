import type { Change, ChangeEvent, ChangeState } from '../contracts/index.ts'
import { canonicalJson, digestOf } from '../kernel/index.ts'
import { authorOf } from './actor.ts'
import type { Bundle } from './bundle.ts'
import { signOffsOf } from './evidence.ts'
import { checkingRun, isDeployAllowed, last } from './facts.ts'
import { foldOf } from './fold.ts'
import { gateOfSignOff } from './gates.ts'
import { holdoutProblems } from './holdout.ts'
import { isRefusal, next } from './state.ts'
import { waiverProblems } from './waiver.ts'

/** The log: each link hashes to itself and holds on to the one before, and replayed it gives the change as it is. */
export function verifyChain(bundle: Bundle): string[] {
  return [
    ...linkProblems(bundle),
    ...replayProblems(bundle),
    ...originProblems(bundle),
    ...signatureProblems(bundle),
    ...waiverProblems(bundle.change, bundle.events),
    ...permissionProblems(bundle),
    ...holdoutProblems(bundle.events, bundle.dataset.digest, bundle.change.proposal.data.holdout),
  ]
}

function linkProblems({ events, change }: Bundle): string[] {
  return events.flatMap((event, index) => {
    const { hash, ...rest } = event
    const before = events[index - 1]
    const broken: string[] = []
    if (digestOf(rest) !== hash)
      broken.push(`event ${index} (${event.type}) was changed: its hash is another`)
    if (event.previousHash !== (before?.hash ?? null))
      broken.push(`event ${index} does not follow the one before it`)
    if (event.sequence !== index) broken.push(`event ${index} has the sequence ${event.sequence}`)
    if (event.change !== change.id) broken.push(`event ${index} belongs to ${event.change}`)
    if (before !== undefined && event.at < before.at - CLOCK_STEP_MS)
      broken.push(`event ${index} is older than the one before it`)
    return broken
  })
}

/** Wall clocks are set back now and then, by little. */
export const CLOCK_STEP_MS = 60_000

function replayProblems({ events, change }: Bundle): string[] {
  let state: ChangeState = 'draft'
  let folded: Pick<Change, 'reason' | 'verdict' | 'rolloutId'> = {
    reason: null,
    verdict: null,
    rolloutId: null,
  }
  for (const event of events) {
    const after = next(state, event.type)
    if (isRefusal(after)) return [`event ${event.sequence}: ${after.refused}`]
    state = after
    folded = { ...folded, ...foldOf(event) }
  }
  const told = {
    state,
    ...folded,
    updatedAt: events.at(-1)?.at,
    createdAt: events[0]?.at,
    author: events[0]?.actor,
  }
  return Object.entries(told).flatMap(([name, value]) =>
    canonicalJson(value ?? null) === canonicalJson(change[name as keyof typeof told] ?? null)
      ? []
      : [`the change's ${name} is not what its log says`],
  )
}

function originProblems({ events, change, model, dataset }: Bundle): string[] {
  const proposed = events[0]?.data ?? {}
  const claims = {
    proposal: change.proposal,
    champion: change.champion,
    candidate: change.candidate,
    model,
    dataset,
  }
  return Object.entries(claims).flatMap(([name, claim]) =>
    canonicalJson(claim) === canonicalJson(proposed[name] ?? null)
      ? []
      : [`the ${name} is not the one that was proposed`],
  )
}

/** Whoever signed, signed this evidence, and enough of them did so before traffic moved. */
function signatureProblems({ events, change, signOffs }: Bundle): string[] {
  const problems: string[] = []
  if (canonicalJson(signOffs) !== canonicalJson(signOffsOf(events)))
    problems.push('the sign-offs are not those of the log')
  for (const event of events.filter(({ type }) => type === 'sign-off-given'))
    if (event.data.actor !== event.actor || event.data.at !== nearTo(event, event.data.at))
      problems.push(`event ${event.sequence} is a sign-off by another person or at another time`)
  const started = last(events, 'canary-started')
  const run = checkingRun(events)
  if (started === undefined || run === undefined) return problems
  const before = signOffs.filter(({ at }) => at <= started.at)
  const gate = gateOfSignOff(run.policy, change, authorOf(change, events), before, started.at)
  if (gate.result !== 'pass')
    problems.push(`traffic moved without the sign-offs that the policy wants: ${gate.reasons.join('; ')}`)
  return problems
}

/** Checks may be run by many keys; traffic moved because one that may wanted it. */
function permissionProblems({ events }: Bundle): string[] {
  const started = last(events, 'canary-started')
  const run = checkingRun(events)
  if (started === undefined || run === undefined) return []
  return isDeployAllowed(events.slice(0, started.sequence), run)
    ? []
    : ['traffic moved although nobody who may deploy had started the change']
}

/** A sign-off is written at the moment it is given. */
function nearTo(event: ChangeEvent, at: unknown): unknown {
  return typeof at === 'number' && Math.abs(at - event.at) <= CLOCK_STEP_MS ? at : undefined
}
