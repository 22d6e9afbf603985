import type { Rollout, RolloutLook } from '../../../src/contracts/index.ts'

export interface FollowedRollout {
  readonly rollout: Rollout | null
  /** Oldest first. */
  readonly looks: readonly RolloutLook[]
}

export type ReadLooks = (range: { since: number; limit: number }) => Promise<FollowedRollout>

/** One answer stays small enough to be parsed between two frames. */
const LOOKS_AT_ONCE = 500
/** Five and a half hours at one look a second; older ones are thinned, so that a page left open does not grow. */
const MOST_LOOKS = 20_000

/** Reads the looks that are not known yet: looks are only ever added, and numbered. */
export async function followLooks(
  read: ReadLooks,
  known: FollowedRollout | undefined,
  most = MOST_LOOKS,
  atOnce = LOOKS_AT_ONCE,
): Promise<FollowedRollout> {
  let looks = known?.looks ?? []
  for (;;) {
    const since = looks.at(-1)?.sequence ?? -1
    const page = await read({ since, limit: atOnce })
    // A change that is tried again gets another rollout, whose looks are numbered from the start.
    const isAnother = known?.rollout != null && page.rollout?.id !== known.rollout.id
    if (isAnother) return await followLooks(read, undefined, most, atOnce)
    if (page.looks.length > 0) looks = bounded([...looks, ...page.looks], most)
    if (page.looks.length < atOnce) return { rollout: page.rollout, looks }
  }
}

/** An answer without a new look and with the same rollout is no news. */
export function isSameRollout(known: FollowedRollout, read: FollowedRollout): boolean {
  return (
    known.looks.at(-1)?.sequence === read.looks.at(-1)?.sequence &&
    JSON.stringify(known.rollout) === JSON.stringify(read.rollout)
  )
}

/** Every other look of the older half goes; where a step ends, its last look stays, since it counts the step. */
function bounded(looks: readonly RolloutLook[], most: number): readonly RolloutLook[] {
  if (looks.length <= most) return looks
  const half = Math.floor(looks.length / 2)
  return looks.filter(
    (look, index) => index >= half || index % 2 === 0 || looks[index + 1]?.step !== look.step,
  )
}
