import type { TrafficShares } from '../contracts/index.ts'
import { sampleRatio } from '../stats/index.ts'

export interface SplitReading {
  readonly units: number
  /** Of a version that should have none. */
  readonly strays: number
  readonly pValue: number
  readonly isBroken: boolean
  /** "v1 61.9 % (meant 50 %), v2 38.1 % (meant 50 %)". */
  readonly says: string
}

/**
 * Is the traffic split as intended? A mismatch of the sample ratio means that the comparison of the versions is not to
 * be trusted, whatever it says (Fabijan et al. 2019). Undefined while there is too little to say: the chi-square law
 * wants five expected units of every version.
 *
 * @param units distinct units seen, by version. @param shares percent by version, as set.
 */
export function readSplit(
  units: ReadonlyMap<string, number>,
  shares: TrafficShares,
): SplitReading | undefined {
  const intended = Object.entries(shares).filter(([, share]) => share > 0)
  const observed = intended.map(([version]) => units.get(version) ?? 0)
  const expectedUnits = observed.reduce((sum, count) => sum + count, 0)
  const total = [...units.values()].reduce((sum, count) => sum + count, 0)
  const strays = total - expectedUnits
  const smallest = Math.min(...intended.map(([, share]) => share))
  if (intended.length === 0 || (total * smallest) / 100 < 5) return undefined
  const pValue =
    intended.length < 2 || expectedUnits === 0
      ? 1
      : sampleRatio(
          observed,
          intended.map(([, share]) => share),
        ).pValue
  return {
    units: total,
    strays,
    pValue,
    isBroken: pValue < BROKEN_BELOW || strays > total * STRAY_SHARE,
    says: intended
      .map(([version, share], index) => {
        const percent = (100 * (observed[index] ?? 0)) / total
        return `${version} ${percent.toFixed(1)} % (meant ${share} %)`
      })
      .join(', '),
  }
}

/**
 * A split is read each time its units have doubled, so about ten times in its life: one false alarm in a thousand
 * splits.
 */
const BROKEN_BELOW = 1e-4

/** Units may still be on their old version just after a write; one in a hundred is no longer that. */
const STRAY_SHARE = 0.01
