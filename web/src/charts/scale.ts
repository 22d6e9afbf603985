/** From values to pixels; everything here is pure, so that drawings can be tested without a browser. */
export type Scale = (value: number) => number

export function linear(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): Scale {
  const span = to - from || 1
  return (value) => start + ((value - from) / span) * (end - start)
}

/** For latencies: equal factors take equal space. Both ends must be above zero. */
export function logarithmic(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): Scale {
  const scale = linear([Math.log(from), Math.log(to)], [start, end])
  return (value) => scale(Math.log(Math.max(value, from / 1000)))
}

/** Round steps (1, 2, 5 × 10ⁿ) from the first at or above `from` to the last at or below `to`. */
export function niceTicks(from: number, to: number, about = 4): number[] {
  const span = to - from
  if (!(span > 0)) return [from]
  const rough = span / about
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((candidate) => candidate >= rough)!
  const first = Math.ceil(from / step - 1e-9)
  const last = Math.floor(to / step + 1e-9)
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  )
}

/** 1, 2, 5 in each decade between the ends, thinned to decades when there are many. */
export function logTicks(from: number, to: number, most = 8): number[] {
  const ticks: number[] = []
  for (let decade = Math.floor(Math.log10(from)); decade <= Math.ceil(Math.log10(to)); decade++)
    for (const factor of [1, 2, 5]) {
      const tick = Number((factor * 10 ** decade).toPrecision(6))
      if (tick >= from && tick <= to) ticks.push(tick)
    }
  return ticks.length <= most ? ticks : ticks.filter((tick) => Number.isInteger(Math.log10(tick)))
}

/** `M x y L x y …`; a gap (null) lifts the pen. */
export function linePath(points: readonly (readonly [number, number | null])[]): string {
  let path = ''
  let isDown = false
  for (const [x, y] of points) {
    if (y === null) {
      isDown = false
      continue
    }
    path += `${isDown ? 'L' : 'M'}${round(x)} ${round(y)}`
    isDown = true
  }
  return path
}

/** A closed shape between an upper and a lower line over the same points. */
export function bandPath(points: readonly (readonly [x: number, upper: number, lower: number])[]): string {
  if (points.length === 0) return ''
  const there = points.map(([x, upper]) => `${round(x)} ${round(upper)}`)
  const back = points.toReversed().map(([x, , lower]) => `${round(x)} ${round(lower)}`)
  return `M${there.join('L')}L${back.join('L')}Z`
}

/** At most `most` items, evenly taken, the last one always among them. */
export function thinned<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items]
  const every = Math.ceil(items.length / most)
  return items.filter((_, index) => (items.length - 1 - index) % every === 0)
}

export function nearestIndex(positions: readonly number[], wanted: number): number {
  let nearest = 0
  for (const [index, position] of positions.entries())
    if (Math.abs(position - wanted) < Math.abs(positions[nearest]! - wanted)) nearest = index
  return nearest
}

/** A label stands right of its line, or left of it where there is no room, and in the first row that is free there. */
export function labelRows(
  lines: readonly number[],
  width: number,
  right: number,
): { isLeft: boolean; row: number }[] {
  const taken: (readonly [from: number, to: number])[][] = []
  return lines.map((at) => {
    const isLeft = at + width > right
    const [from, to] = isLeft ? [at - width, at] : [at, at + width]
    const isFree = (row: number) => (taken[row] ?? []).every((other) => to <= other[0] || other[1] <= from)
    let row = 0
    while (!isFree(row)) row++
    taken[row] = [...(taken[row] ?? []), [from, to]]
    return { isLeft, row }
  })
}

/** RFC 4180; cells that a spreadsheet would take for a formula are quoted as text. */
export function csvOf(
  header: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string {
  const cell = (value: string | number | null) => {
    if (value === null) return ''
    const text = typeof value === 'string' && /^[=+@]/.test(value) ? `'${value}` : String(value)
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return [header, ...rows].map((row) => row.map(cell).join(',')).join('\r\n')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

const DAY_S = 86_400
const TIME_STEPS_MS = [
  ...[1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600],
  ...[1, 2, 7, 14, 30, 90, 365, 3650].map((days) => days * DAY_S),
].map((seconds) => seconds * 1000)

/** Round times between the ends: whole seconds, minutes or hours. */
export function timeTicks(fromMs: number, toMs: number, about = 4): number[] {
  const step = TIME_STEPS_MS.find((one) => (toMs - fromMs) / one <= about) ?? TIME_STEPS_MS.at(-1)!
  const first = Math.ceil(fromMs / step)
  const last = Math.min(Math.floor(toMs / step), first + 50)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step)
}
