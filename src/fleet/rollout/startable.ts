import { SlipwayError } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'
import type { ObservedReplica, RolloutWish } from '../fleet.ts'
import { requireServing } from '../traffic/traffic-writer.ts'

export type StartableStore = Pick<Store, 'versions' | 'traffic' | 'deployments' | 'rollouts'>

/**
 * A rollout moves units between two versions, so these two must be all that has traffic, the champion must serve, the
 * candidate must be ready to, and no other rollout may move the same units.
 */
export async function requireStartable(
  store: StartableStore,
  replicas: readonly ObservedReplica[],
  { model, champion, candidate, plan }: RolloutWish,
): Promise<void> {
  const refuse = (reason: string) => new SlipwayError('invalid_request', { reason })
  await store.versions.get(model, champion)
  await store.versions.get(model, candidate)
  if (champion === candidate) throw refuse('Champion and candidate are the same version.')
  const isGrowing = plan.steps.every((share, index) => share > (plan.steps[index - 1] ?? 0))
  if (!isGrowing || plan.steps.at(-1) !== 100)
    throw refuse('The steps of a rollout grow, and the last one is 100.')
  const open = (await store.rollouts.listOpen()).find((rollout) => rollout.model === model)
  if (open !== undefined)
    throw new SlipwayError('conflict', { what: `The open rollout ${open.id} of ${model}` })
  const shares = (await store.traffic.get(model))?.shares ?? {}
  const others = Object.keys(shares).filter(
    (label) => label !== champion && label !== candidate && (shares[label] ?? 0) > 0,
  )
  if (others.length > 0)
    throw refuse(`${others.join(', ')} has traffic too; a rollout is between two versions.`)
  if (!((shares[champion] ?? 0) > 0))
    throw refuse(`${champion} has no traffic, so there is nothing to compare with.`)
  await requireServing(store, replicas, model, champion)
  await requireServing(store, replicas, model, candidate)
}
