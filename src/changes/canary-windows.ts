import { z } from 'zod'
import { epochMs, type GuardName, guardName, type Rollout, type RolloutLook } from '../contracts/index.ts'
import { countedUntilMs, firstWindowMs, guardLook, pairedWindows, settledUntil } from '../fleet/index.ts'
import { addWindow, type CanarySums, type CanaryWindow, NO_WINDOWS } from '../stats/index.ts'
import type { ChangeParts } from './parts.ts'

/**
 * What the judge's looks were computed from: both arms' counts in every window, so that each look can be computed again.
 *
 * Bounded: at most `MOST_WINDOWS` rows (2 MB with three guards), the newest; what is older is added up once, and looks
 * that lie wholly in it are told as not recomputed. Windows are taken when the change is closed, or when the bundle is
 * asked for before that. Telemetry that comes late changes a window after a look has read it: such looks are named in
 * `unmatched`, and whoever verifies makes sure that the difference is of that kind.
 */
export const MOST_WINDOWS = 20_000

const sums = z.strictObject(
  Object.fromEntries(Object.keys(NO_WINDOWS).map((name) => [name, z.number()])) as Record<
    keyof CanarySums,
    z.ZodNumber
  >,
)

export const canaryWindows = z.strictObject({
  windowMs: z.number().int().positive(),
  /** In the order of the events in a row. */
  guards: z.array(guardName),
  /** The law's sums over what lies before the rows. */
  folded: z.strictObject({ untilMs: epochMs, sums: z.partialRecord(guardName, sums) }).nullable(),
  /** `[startMs, requests of champion, of candidate, then for each guard events of champion, of candidate]`. */
  rows: z.array(z.array(z.number().int().nonnegative())).max(MOST_WINDOWS),
  unmatched: z.array(z.strictObject({ look: z.number().int(), why: z.enum(['late', 'gone']) })),
})
export type CanaryWindows = z.infer<typeof canaryWindows>

/** `law`: decided by the law over windows. `watch`: at 100 %, where no champion is left to compare with. `word`: a person's, unseen. */
export function kindOf(look: RolloutLook): 'law' | 'watch' | 'word' {
  if (look.guards.length === 0) return 'word'
  return look.sharePercent === 100 ? 'watch' : 'law'
}

export type Again =
  | { readonly kind: 'same' }
  | { readonly kind: 'older' }
  /** The windows hold more than the look saw, less, or both; or the same, and its numbers are others. */
  | { readonly kind: 'more' | 'less' | 'other'; readonly what: string }

/** Each look of the law again, from the windows, by the code that judged it. In order of `looks`. */
export function lookAgain(
  rollout: Rollout,
  looks: readonly RolloutLook[],
  windows: CanaryWindows,
): { readonly look: RolloutLook; readonly again: Again }[] {
  const state = new Map<GuardName, CanarySums>(
    windows.guards.map((guard) => [guard, windows.folded?.sums[guard] ?? NO_WINDOWS]),
  )
  let pairedUntilMs = windows.folded?.untilMs ?? rollout.startedAt
  let next = 0
  const ordered = looks.filter((look) => kindOf(look) === 'law').sort((left, right) => left.at - right.at)
  return ordered.map((look) => {
    const untilMs = countedUntilMs(rollout, settledUntil(look.at))
    if (windows.folded !== null && untilMs < windows.folded.untilMs) return { look, again: { kind: 'older' } }
    for (; next < windows.rows.length; next++) {
      const row = windows.rows[next] as number[]
      const startMs = row[0] as number
      if (startMs + windows.windowMs > untilMs) break
      for (const [index, guard] of windows.guards.entries())
        state.set(guard, addWindow(state.get(guard) ?? NO_WINDOWS, pairOf(row, index)))
      pairedUntilMs = startMs + windows.windowMs
    }
    return { look, again: compare(rollout, look, state, pairedUntilMs) }
  })
}

function compare(
  rollout: Rollout,
  look: RolloutLook,
  state: ReadonlyMap<GuardName, CanarySums>,
  pairedUntilMs: number,
): Again {
  let more = 0
  let less = 0
  const count = (found: number, seen: number) => {
    if (found > seen) more++
    if (found < seen) less++
  }
  const wrong: string[] = []
  for (const guard of rollout.guards) {
    const seen = look.guards.find(({ name }) => name === guard.name)
    const { look: again } = guardLook(rollout.plan, guard, state.get(guard.name) ?? NO_WINDOWS)
    if (seen === undefined) {
      wrong.push(`${guard.name} is missing`)
      continue
    }
    for (const arm of ['champion', 'candidate'] as const) {
      count(again[arm].requests, seen[arm].requests)
      count(again[arm].events, seen[arm].events)
    }
    for (const part of ['difference', 'lower', 'upper', 'margin'] as const)
      if (!isNear(again[part], seen[part])) wrong.push(`${guard.name} has another ${part}`)
    if (again.decision !== seen.decision) wrong.push(`${guard.name} would decide ${again.decision}`)
  }
  count(Math.max(0, ...[...state.values()].map((one) => one.windows)), look.windows)
  if (look.guards.length !== rollout.guards.length) wrong.push('it has other guards')
  const isEndOther = Math.max(0, pairedUntilMs) !== look.windowEndMs
  const what = [`${more + less === 0 ? '' : 'the windows hold other counts'}`, ...wrong]
    .filter(Boolean)
    .join(', ')
  if (more > 0 && less === 0) return { kind: 'more', what }
  if (less > 0 && more === 0) return { kind: 'less', what }
  if (more > 0 || wrong.length > 0) return { kind: 'other', what }
  return isEndOther ? { kind: 'other', what: 'its newest window is another' } : { kind: 'same' }
}

/** Numbers went through the same code, maybe on another machine. */
function isNear(left: number | null, right: number | null): boolean {
  if (left === null || right === null) return left === right
  return Math.abs(left - right) <= 1e-9 * Math.max(1, Math.abs(left), Math.abs(right))
}

function pairOf(row: readonly number[], guard: number): CanaryWindow {
  const at = (index: number) => row[index] ?? 0
  return {
    a: { n: at(1), events: at(3 + 2 * guard) },
    b: { n: at(2), events: at(4 + 2 * guard) },
  }
}

/** Rows of telemetry are heavy; so much time is read at once. */
const CHUNK_MS = 600_000

/** Taken from the stored windows, as of now. */
export async function canaryWindowsOf(
  { store }: { readonly store: Pick<ChangeParts['store'], 'windows'> },
  rollout: Rollout,
  looks: readonly RolloutLook[],
  most = MOST_WINDOWS,
): Promise<CanaryWindows> {
  const { model, champion, candidate, plan, guards } = rollout
  const names = guards.map(({ name }) => name)
  const last = Math.max(0, ...looks.filter((look) => kindOf(look) === 'law').map(({ at }) => at))
  const untilMs = countedUntilMs(rollout, settledUntil(last))
  const windows: CanaryWindows = {
    windowMs: plan.windowMs,
    guards: names,
    folded: null,
    rows: [],
    unmatched: [],
  }
  for (let fromMs = firstWindowMs(rollout); fromMs < untilMs; fromMs += CHUNK_MS) {
    const toMs = Math.min(untilMs, fromMs + CHUNK_MS)
    const found = await store.windows.list({ model, versions: [champion, candidate], fromMs, toMs })
    for (const { startMs, counts } of pairedWindows(rollout, found)) {
      const { a, b } = counts[0]?.pair ?? { a: { n: 0 }, b: { n: 0 } }
      windows.rows.push([startMs, a.n, b.n, ...counts.flatMap(({ pair }) => [pair.a.events, pair.b.events])])
    }
    if (windows.rows.length > 2 * most) fold(windows, most)
  }
  if (windows.rows.length > most) fold(windows, most)
  windows.unmatched = lookAgain(rollout, looks, windows).flatMap(({ look, again }) => {
    if (again.kind !== 'more' && again.kind !== 'less') return []
    return [{ look: look.sequence, why: again.kind === 'more' ? ('late' as const) : ('gone' as const) }]
  })
  return windows
}

/** Adds the oldest rows up, in order, so that the sums are those of the judge to the last bit. */
function fold(windows: CanaryWindows, most: number): void {
  const old = windows.rows.splice(0, windows.rows.length - most)
  const before = windows.folded?.sums ?? {}
  const after: NonNullable<CanaryWindows['folded']>['sums'] = {}
  for (const [index, guard] of windows.guards.entries())
    after[guard] = old.reduce<CanarySums>(
      (total, row) => addWindow(total, pairOf(row, index)),
      before[guard] ?? NO_WINDOWS,
    )
  windows.folded = { untilMs: (old.at(-1)?.[0] ?? 0) + windows.windowMs, sums: after }
}
