import { quantile, tInterval } from '../../stats/index.ts'
import type { Rung } from '../latency/raw.ts'
import type { Block } from '../trial/block.ts'
import { valuesOf } from '../trial/metrics.ts'
import type { Pair } from '../trial/sequence.ts'
import { chartFrame, short } from './chart-frame.ts'
import { escaped } from './html-page.ts'

const COLOURS = ['var(--a)', 'var(--b)'] as const
const ARMS = ['champion', 'candidate'] as const

/** Throughput against p95, rung by rung; the last rung before the knee is named. */
export function ladderChart(rungs: readonly Rung[], knees: readonly (number | null)[]): string {
  const shown = rungs.filter(({ p95Ms }) => p95Ms !== null)
  if (shown.length === 0) return ''
  const most = Math.max(...shown.map(({ goodPerSecond }) => goodPerSecond))
  const delays = shown.map(({ p95Ms }) => p95Ms!)
  const frame = chartFrame(
    'Ladder: p95 end to end by throughput',
    { label: 'answers a second', least: 0, most },
    { label: 'p95, ms', least: Math.min(...delays) * 0.8, most: Math.max(...delays) * 1.2, isLog: true },
  )
  for (const [target, arm] of ARMS.entries()) {
    const own = shown.filter((rung) => rung.arm === arm)
    const points = own.map(({ goodPerSecond, p95Ms }) => [goodPerSecond, p95Ms!] as const)
    frame.line(points, COLOURS[target]!)
    frame.dots(points, COLOURS[target]!)
    const knee = own.find(({ goodPerSecond }) => goodPerSecond === knees[target])
    if (knee !== undefined)
      frame.note(knee.goodPerSecond * 0.93, knee.p95Ms!, `knee, ${knee.concurrency} at once`)
  }
  return frame.svg()
}

/** Share of requests answered within a time; what failed never arrives. */
export function cdfChart(values: readonly (readonly number[])[]): string {
  const finite = values.flat().filter(Number.isFinite)
  if (finite.length === 0) return ''
  const least = finite.reduce((a, b) => Math.min(a, b))
  const most = finite.reduce((a, b) => Math.max(a, b))
  const frame = chartFrame(
    'Share answered within a time',
    { label: 'ms', least: Math.max(0.01, least), most: Math.max(0.02, most), isLog: true },
    { label: 'share', least: 0, most: 1 },
  )
  for (const [target, sorted] of values.entries()) {
    if (sorted.length === 0) continue
    const points = Array.from({ length: 101 }, (_, index) => index / 100).flatMap((p) => {
      const value = quantile(sorted, p)
      return Number.isFinite(value) ? [[value, p] as const] : []
    })
    frame.line(points, COLOURS[target]!)
  }
  return frame.svg()
}

/** By how many % B is slower than A at each quantile, with the t interval over the pairs. */
export function differenceChart(pairs: readonly Pair[], metric: 'e2e' | 'ttft', confidence: number): string {
  if (pairs.length < 2) return ''
  const sorted = pairs.map(
    ({ base, other }) => [valuesOf(base.rows, metric), valuesOf(other.rows, metric)] as const,
  )
  const bands = Array.from({ length: 19 }, (_, index) => (index + 1) / 20).flatMap((p) => {
    const ratios = sorted.map(([base, other]) => Math.log(quantile(other, p)) - Math.log(quantile(base, p)))
    if (!ratios.every(Number.isFinite)) return []
    const { estimate, lower, upper } = tInterval(ratios, confidence)
    return [
      {
        p,
        estimate: Math.expm1(estimate) * 100,
        lower: Math.expm1(lower) * 100,
        upper: Math.expm1(upper) * 100,
      },
    ]
  })
  if (bands.length === 0) return ''
  const reach = Math.max(1, ...bands.flatMap(({ lower, upper }) => [Math.abs(lower), Math.abs(upper)]))
  const frame = chartFrame(
    'Difference of quantiles',
    { label: 'quantile', least: 0, most: 1 },
    { label: 'B slower by, %', least: -reach, most: reach },
  )
  frame.area(
    [
      ...bands.map(({ p, lower }) => [p, lower] as const),
      ...bands.toReversed().map(({ p, upper }) => [p, upper] as const),
    ],
    COLOURS[1],
  )
  frame.line(
    bands.map(({ p, estimate }) => [p, estimate] as const),
    COLOURS[1],
  )
  return frame.svg()
}

/** Each request of one stretch by its start: a stall is a slope of those that waited for its end. */
export function timelineChart(block: Block): string {
  const points = block.rows
    .filter(({ failure }) => failure === null)
    .slice(0, 3000)
    .map(({ atMs, endMs }) => [atMs / 1000, Math.max(0.01, endMs)] as const)
  if (points.length === 0) return ''
  const delays = points.map(([, delay]) => delay)
  const frame = chartFrame(
    'Each request by its intended start',
    { label: 'seconds', least: 0, most: points.at(-1)![0] },
    { label: 'end to end, ms', least: Math.min(...delays), most: Math.max(...delays), isLog: true },
  )
  frame.dots(points, COLOURS[block.step.target] ?? COLOURS[0], 1.6)
  return frame.svg()
}

/** Median of each cell: prompts down, answers across. */
export function heatMap(
  cells: readonly { readonly name: string; readonly medianMs: number | null }[],
): string {
  const sizes = ['short', 'medium', 'long']
  const known = cells.map(({ medianMs }) => medianMs).filter((value) => value !== null)
  if (known.length === 0) return ''
  const most = Math.max(...known)
  const boxes = sizes.flatMap((input, row) =>
    sizes.map((output, column) => {
      const cell = cells.find(({ name }) => name === `${input}/${output}`)
      const value = cell?.medianMs ?? null
      const x = 120 + column * 150
      const y = 30 + row * 60
      const shade = value === null ? 0 : 0.1 + (0.7 * value) / most
      return `<rect x="${x}" y="${y}" width="146" height="56" fill="var(--a)" opacity="${shade.toFixed(2)}"/><text x="${x + 73}" y="${y + 32}" text-anchor="middle">${value === null ? '–' : `${short(value)} ms`}</text>`
    }),
  )
  const names = sizes.map(
    (name, index) =>
      `<text x="${193 + index * 150}" y="20" text-anchor="middle">${escaped(name)} answer</text><text x="110" y="${62 + index * 60}" text-anchor="end">${escaped(name)} prompt</text>`,
  )
  return `<svg viewBox="0 0 640 220" role="img" aria-label="Size matrix"><title>Size matrix, median end to end</title>${names.join('')}${boxes.join('')}</svg>`
}
