import type { RolloutLook } from '../contracts/index.ts'
import { digestOf } from '../kernel/index.ts'
import type { Bundle } from './bundle.ts'
import { type Again, type CanaryWindows, kindOf, lookAgain } from './canary-windows.ts'
import { last } from './facts.ts'

export interface WindowFindings {
  readonly problems: readonly string[]
  /** Looks whose numbers could not be computed again, and why; not wrong, but not proven either. */
  readonly open: readonly string[]
}

/** Each look of the judge from the windows that it was made of. */
export function verifyWindows({ rollout, looks, windows, events }: Bundle): WindowFindings {
  const sealed = last(events, 'change-closed')?.data.windows
  if (rollout === null || windows === null) {
    const problems = rollout === null && windows !== null ? ['there are windows without a rollout'] : []
    const law = rollout === null ? [] : looks.filter((look) => kindOf(look) === 'law')
    const open = law.length === 0 ? [] : [`${listOf(law)}: the windows are not in the bundle`]
    return { problems, open }
  }
  const problems: string[] = []
  if (sealed !== undefined && sealed !== digestOf(windows))
    problems.push('the windows were changed after the change was closed')
  problems.push(
    ...formProblems(
      windows,
      rollout.plan.windowMs,
      rollout.guards.map(({ name }) => name),
    ),
  )
  const why = new Map(windows.unmatched.map((one) => [one.look, one.why]))
  const open: Record<'late' | 'gone' | 'older' | 'watch' | 'word', RolloutLook[]> = {
    late: [],
    gone: [],
    older: [],
    watch: looks.filter((look) => kindOf(look) === 'watch'),
    word: looks.filter((look) => kindOf(look) === 'word'),
  }
  for (const { look, again } of lookAgain(rollout, looks, windows)) {
    const told = why.get(look.sequence)
    why.delete(look.sequence)
    if (again.kind === 'older') open.older.push(look)
    else if (told !== undefined && fits(told, again)) open[told].push(look)
    else if (told !== undefined) problems.push(`look ${look.sequence} is said to be ${told}, and is not`)
    else if (again.kind !== 'same')
      problems.push(`look ${look.sequence} does not follow from its windows: ${again.what}`)
  }
  for (const look of why.keys()) problems.push(`there is no look ${look}, which is said to be unmatched`)
  return {
    problems,
    open: Object.entries(open).flatMap(([kind, some]) =>
      some.length === 0 ? [] : [`${listOf(some)}: ${WHY[kind as keyof typeof WHY]}`],
    ),
  }
}

const WHY = {
  late: 'telemetry of their windows came in after they were taken',
  gone: 'some of their windows were no longer kept',
  older: 'they lie before the newest windows that a bundle holds',
  watch: 'at 100 % nothing is compared by windows; counts are as the judge saw them',
  word: 'a person spoke before anything was seen',
} as const

function fits(told: 'late' | 'gone', again: Again): boolean {
  return again.kind === (told === 'late' ? 'more' : 'less')
}

function formProblems(windows: CanaryWindows, windowMs: number, guards: readonly string[]): string[] {
  const problems: string[] = []
  if (windows.windowMs !== windowMs || windows.guards.join() !== guards.join())
    problems.push('the windows are those of another plan')
  let beforeMs = windows.folded?.untilMs ?? Number.NEGATIVE_INFINITY
  for (const row of windows.rows) {
    const [startMs = 0, ...counts] = row
    if (row.length !== 3 + 2 * guards.length || startMs < beforeMs || startMs % windowMs !== 0)
      return [...problems, `the window at ${startMs} is out of order or incomplete`]
    const [champion = 0, candidate = 0, ...events] = counts
    if (events.some((count, index) => count > (index % 2 === 0 ? champion : candidate)))
      return [...problems, `the window at ${startMs} has more events than requests`]
    beforeMs = startMs + windowMs
  }
  return problems
}

/** `looks 3–7 and 12`. */
function listOf(looks: readonly RolloutLook[]): string {
  const ranges: [number, number][] = []
  for (const { sequence } of looks.toSorted((left, right) => left.sequence - right.sequence)) {
    const open = ranges.at(-1)
    if (open !== undefined && open[1] === sequence - 1) open[1] = sequence
    else ranges.push([sequence, sequence])
  }
  const words = ranges.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`))
  return `${looks.length === 1 ? 'look' : 'looks'} ${words.join(', ')}`
}
