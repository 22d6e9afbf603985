import type { Change, Version } from '../contracts/index.ts'
import type { CheckContext } from '../lab/index.ts'
import { seedOf } from './evidence.ts'
import type { ChangeParts } from './parts.ts'

/** All that a check may know of a change. The candidate may be given before it is registered, for a plan. */
export async function contextOf(
  parts: Pick<ChangeParts, 'store' | 'gatewayUrl' | 'key'>,
  change: Change,
  attempt: number,
  given?: { readonly champion: Version; readonly candidate: Version },
): Promise<CheckContext> {
  const { store } = parts
  const { model, data } = change.proposal
  const dataset = await store.datasets.get(data.golden)
  return {
    change,
    model: await store.models.get(model),
    champion: given?.champion ?? (await store.versions.get(model, change.champion.label)),
    candidate: given?.candidate ?? (await store.versions.get(model, change.candidate.label)),
    golden: { name: dataset.name, digest: dataset.digest, items: await store.datasets.items(dataset.name) },
    gatewayUrl: parts.gatewayUrl,
    key: parts.key,
    artifact: (digest) => store.artifacts.read(digest),
    seed: seedOf(change.id, attempt),
  }
}
