import { z } from 'zod'
import {
  type ChangeEvent,
  change,
  changeEvent,
  dataset,
  evidence,
  model,
  type Rollout,
  type RolloutLook,
  rollout,
  rolloutLook,
  signOff,
  version,
} from '../contracts/index.ts'
import { digestOf } from '../kernel/index.ts'
import { type CanaryWindows, canaryWindows, canaryWindowsOf } from './canary-windows.ts'
import { asStored, signOffsOf } from './evidence.ts'
import { last } from './facts.ts'
import type { ChangeParts } from './parts.ts'

export const BUNDLE_FORMAT = 'slipway-bundle/2'

/** Everything that was known about a change, in one file: enough to decide it all again without store or network. */
export const bundle = z.strictObject({
  format: z.literal(BUNDLE_FORMAT),
  /** Without the counters for people, which prove nothing. */
  change: change.omit({ checks: true }),
  model,
  dataset,
  versions: z.strictObject({
    champion: version.omit({ createdAt: true }),
    candidate: version.omit({ createdAt: true }),
  }),
  events: z.array(changeEvent).min(1),
  evidence: z.array(evidence),
  signOffs: z.array(signOff),
  rollout: rollout.nullable(),
  looks: z.array(rolloutLook),
  /** What the looks were computed from; null without a rollout, or where nothing of it was kept. */
  windows: canaryWindows.nullable(),
  /** Digest of all of the above. */
  hash: z.string(),
})
export type Bundle = z.infer<typeof bundle>

export async function bundleOf({ store }: Pick<ChangeParts, 'store'>, id: string): Promise<Bundle> {
  const events = await store.changes.events(id)
  const { checks: _, ...told } = await store.changes.get(id)
  const proposed = events[0]?.data ?? {}
  const name = told.proposal.model
  const [champion, candidate] = await Promise.all(
    [told.champion, told.candidate].map(async ({ label }) => {
      const { createdAt: __, ...found } = await store.versions.get(name, label)
      return found
    }),
  )
  const followed = told.rolloutId === null ? undefined : await store.rollouts.get(told.rolloutId)
  const looks = followed === undefined ? [] : await store.rollouts.looks(followed.id)
  const content = {
    format: BUNDLE_FORMAT,
    change: told,
    model: proposed.model,
    dataset: proposed.dataset,
    versions: { champion, candidate },
    events,
    evidence: await store.evidence.list(id),
    signOffs: signOffsOf(events),
    rollout: followed ?? null,
    looks,
    windows: followed === undefined ? null : await windowsOf(store, events, followed, looks),
  }
  const stored = asStored(content)
  return { ...stored, hash: digestOf(stored) } as Bundle
}

/** As they were sealed once the change is closed, as they are until then. */
async function windowsOf(
  store: Pick<ChangeParts['store'], 'windows' | 'artifacts'>,
  events: readonly ChangeEvent[],
  followed: Rollout,
  looks: readonly RolloutLook[],
): Promise<CanaryWindows | null> {
  const sealed = last(events, 'change-closed')?.data.windows
  if (typeof sealed !== 'string') return canaryWindowsOf({ store }, followed, looks)
  if (!(await store.artifacts.has(sealed))) return null
  return canaryWindows.parse(JSON.parse((await store.artifacts.read(sealed)).toString('utf8')))
}
