import { requireAtLeast, requireFinite, requireOpenUnit, requirePositiveCount } from './check.ts'
import { quantile } from './quantile.ts'
import { normalCdf, normalQuantile } from './special/normal.ts'
import { studentQuantile } from './special/student-t.ts'
import type { Estimate, Random } from './types.ts'

export interface BootstrapOptions {
  /** Seeded by the caller: the same seed gives the same interval to the bit. */
  readonly random: Random
  /** 2,000 unless given; a few hundred leave the ends visibly unstable. */
  readonly resamples?: number
  readonly confidence?: number
}

/**
 * Bias-corrected and accelerated bootstrap interval (Efron 1987) of any statistic of independent items: costs per
 * success, quantiles of scores, other ratios. Keep what belongs together (a pair, a cluster) in one item.
 * At least two items; `statistic` gets resamples of the same size.
 */
export function bcaInterval<Item>(
  items: readonly Item[],
  statistic: (sample: readonly Item[]) => number,
  options: BootstrapOptions,
): Estimate {
  requireAtLeast('items', items.length, 2)
  const { estimate, distribution } = resample(items, statistic, options)
  const jackknife = items.map((_, left) => statistic(items.filter((_, index) => index !== left)))
  return bcaFrom(estimate, distribution, jackknife, options.confidence ?? 0.95)
}

/** The same from a ready bootstrap distribution and the leave-one-out values of the statistic. */
export function bcaFrom(
  estimate: number,
  distribution: readonly number[],
  jackknife: readonly number[],
  confidence: number,
): Estimate {
  requireOpenUnit('confidence', confidence)
  const sorted = [...distribution].sort((left, right) => left - right)
  if (sorted[0] === sorted.at(-1)) return { estimate, lower: sorted[0]!, upper: sorted[0]! }
  let below = 0
  for (const value of sorted) below += value < estimate ? 1 : value === estimate ? 0.5 : 0
  // An estimate outside its own distribution would shift the interval to infinity; half a resample is the limit of what was seen.
  const share = Math.min(sorted.length - 0.5, Math.max(0.5, below)) / sorted.length
  const bias = normalQuantile(share)
  const acceleration = skewness(jackknife)
  const end = (z: number) => quantile(sorted, normalCdf(bias + (bias + z) / (1 - acceleration * (bias + z))))
  const z = -normalQuantile((1 - confidence) / 2)
  return { estimate, lower: end(-z), upper: end(z) }
}

/**
 * Interval of a statistic of dependent data: whole blocks (or AB/BA pairs of blocks) are drawn, so dependence inside a
 * block is kept. Blocks should span at least five correlation times. The percentile ends are widened by what a t law
 * with blocks − 1 degrees of freedom and the factor √(k/(k − 1)) ask for (Hesterberg 2015, "expanded percentile"),
 * because the bare percentile interval is too narrow for few blocks. At least 6 blocks.
 *
 * Measured: ratio of two p95 of 1,000 correlated latencies each (AR(1), ρ = .8), no difference, nominal 5 %, 1,500 runs of
 * 1,000 resamples: false alarms with blocks of 25 are 7.3 % by bare percentiles and 6.0 % so; with blocks of 50
 * 7.2 and 4.6 %. A bootstrap standard error with t ends gives 7.9 and 6.1 %; ignoring the blocks 37 %.
 */
export function blockBootstrap<Block>(
  blocks: readonly Block[],
  statistic: (sample: readonly Block[]) => number,
  options: BootstrapOptions,
): Estimate {
  const count = blocks.length
  requireAtLeast('blocks', count, 6)
  const confidence = options.confidence ?? 0.95
  requireOpenUnit('confidence', confidence)
  const { estimate, distribution } = resample(blocks, statistic, options)
  const sorted = distribution.sort((left, right) => left - right)
  const widened = normalCdf(Math.sqrt(count / (count - 1)) * studentQuantile((1 - confidence) / 2, count - 1))
  return { estimate, lower: quantile(sorted, widened), upper: quantile(sorted, 1 - widened) }
}

function resample<Item>(
  items: readonly Item[],
  statistic: (sample: readonly Item[]) => number,
  options: BootstrapOptions,
): { estimate: number; distribution: number[] } {
  const resamples = options.resamples ?? 2000
  requirePositiveCount('resamples', resamples)
  const estimate = statistic(items)
  const distribution: number[] = []
  for (let i = 0; i < resamples; i += 1)
    distribution.push(statistic(items.map(() => items[Math.floor(options.random() * items.length)]!)))
  requireFinite('statistic', [estimate, ...distribution])
  return { estimate, distribution }
}

/** Efron's acceleration: a sixth of the skewness of the leave-one-out values, mirrored. */
function skewness(jackknife: readonly number[]): number {
  const centre = jackknife.reduce((sum, value) => sum + value, 0) / jackknife.length
  let squares = 0
  let cubes = 0
  for (const value of jackknife) {
    squares += (centre - value) ** 2
    cubes += (centre - value) ** 3
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5)
}
