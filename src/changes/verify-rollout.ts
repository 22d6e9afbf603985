import type { RolloutLook } from '../contracts/index.ts'
import { canonicalJson, digestOf } from '../kernel/index.ts'
import type { Bundle } from './bundle.ts'
import { last } from './facts.ts'

/** The rollout belongs to the change, carried out its plan, and is the one that was sealed when the change was closed. */
export function verifyRollout(bundle: Bundle): string[] {
  const { change, rollout, looks, events } = bundle
  if (rollout === null) {
    const moved = last(events, 'step-promoted')
    return moved === undefined && looks.length === 0 ? [] : ['the rollout is missing']
  }
  const claims = {
    id: change.rolloutId,
    changeId: change.id,
    model: change.proposal.model,
    champion: change.champion.label,
    candidate: change.candidate.label,
    plan: change.proposal.rollout,
  }
  const problems = Object.entries(claims).flatMap(([name, claim]) =>
    canonicalJson(rollout[name as keyof typeof claims]) === canonicalJson(claim)
      ? []
      : [`the rollout has another ${name}`],
  )
  return [...problems, ...lookProblems(bundle), ...sealProblems(bundle)]
}

function lookProblems({ rollout, looks, events }: Bundle): string[] {
  const problems: string[] = []
  looks.forEach((look, index) => {
    if (look.rolloutId !== rollout?.id) problems.push(`look ${index} belongs to another rollout`)
    if (look.sequence !== (looks[0]?.sequence ?? 0) + index)
      problems.push(`look ${index} is missing or out of order`)
    if (look.sharePercent !== rollout?.plan.steps[look.step])
      problems.push(`look ${index} was taken at a share that no step has`)
  })
  problems.push(...looks.flatMap(decisionProblems))
  for (const { sequence, data } of events.filter(({ type }) => type === 'step-promoted'))
    if (data.rollout !== rollout?.id || data.sharePercent !== rollout?.plan.steps[Number(data.step)])
      problems.push(`event ${sequence} promotes a step that the plan does not have`)
  return problems
}

/** What a look decides must follow from the bounds that it shows. */
function decisionProblems({ sequence, guards, decision }: RolloutLook): string[] {
  const problems: string[] = []
  for (const guard of guards) {
    const isWithin = guard.upper !== null && guard.upper < guard.margin
    const isWorse = guard.lower !== null && guard.lower > 0
    if (guard.decision === 'promote' && !isWithin)
      problems.push(`look ${sequence}: ${guard.name} is not within its margin`)
    if (guard.decision === 'abort' && !isWorse)
      problems.push(`look ${sequence}: ${guard.name} is not worse for certain`)
    for (const arm of [guard.champion, guard.candidate])
      if (arm.events > arm.requests)
        problems.push(`look ${sequence}: ${guard.name} has more events than requests`)
  }
  const isPromoted = guards.length > 0 && guards.every((guard) => guard.decision === 'promote')
  if (guards.length === 0 && decision !== 'abort') problems.push(`look ${sequence} decides without any guard`)
  if (decision === 'promote' && !isPromoted) problems.push(`look ${sequence} promotes while a guard does not`)
  // A candidate whose processes failed is given up without any guard, and says so.
  return problems
}

function sealProblems({ rollout, looks, events }: Bundle): string[] {
  const closed = last(events, 'change-closed')
  if (closed === undefined) return []
  const problems: string[] = []
  if (closed.data.rollout !== digestOf(rollout))
    problems.push('the rollout was changed after the change was closed')
  if (closed.data.looks !== digestOf(looks))
    problems.push('the looks were changed after the change was closed')
  return problems
}
