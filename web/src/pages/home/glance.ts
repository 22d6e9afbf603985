import type { Change, Incident, ModelSummary } from '../../../../src/contracts/index.ts'
import { counted, listed } from '../../format/numbers.ts'
import { isOpen } from '../change/states.ts'

/** Is all well, what is moving: the sentence at the top. Bad news first. */
export function glance(
  models: readonly ModelSummary[],
  changes: readonly Change[],
  incidents: readonly Incident[],
): string {
  if (models.length === 0) return 'Nothing is served yet.'
  const openIncidents = incidents.filter(({ closedAt }) => closedAt === null).length
  const waiting = changes.filter(({ state }) => state === 'sign-off').length
  const moving = changes.filter(isOpen).length - waiting
  const parts = [
    ...(openIncidents > 0 ? [counted(openIncidents, 'open incident')] : []),
    ...(waiting > 0 ? [`${counted(waiting, 'change')} waiting for a signature`] : []),
    ...(moving > 0 ? [`${counted(moving, 'change')} on the way`] : []),
  ]
  if (openIncidents > 0) return `Look here: ${listed(parts)}.`
  return parts.length === 0 ? 'All is well, nothing is moving.' : `All is well; ${listed(parts)}.`
}
