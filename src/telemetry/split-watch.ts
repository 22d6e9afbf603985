import type { RequestRecord } from '../contracts/index.ts'
import type { Logger } from '../kernel/index.ts'
import type { Store, TrafficRow } from '../store/index.ts'
import { readSplit, type SplitReading } from './split-ratio.ts'

/** What was dealt to whom since the split was last written. */
interface Tally {
  readonly traffic: TrafficRow
  readonly seen: Set<number>
  readonly units: Map<string, number>
  nextReadAt: number
  isBroken: boolean
}

export interface SplitWatch {
  add(records: readonly RequestRecord[]): void
  /** The newest reading of each model, for pages. */
  readings(): ReadonlyMap<string, SplitReading>
  close(): void
}

/** Gateways get a new split within milliseconds; what arrives this soon after the write may be from before. */
const SETTLE_MS = 2000
const FIRST_READ_UNITS = 512
/** Beyond it a split has been read often enough, and the memory for units is bounded. */
const LAST_READ_UNITS = 131_072

/**
 * Compares the observed split of units with the intended one, as long as that stands. Each unit counts once: requests
 * of one user are not independent. Calls `onBroken` once a split.
 */
export function createSplitWatch(parts: {
  store: Pick<Store, 'traffic' | 'watch'>
  logger: Logger
  onBroken: (model: string, reading: SplitReading) => void
}): SplitWatch {
  const { store, logger, onBroken } = parts
  const tallies = new Map<string, Tally>()
  const loading = new Set<string>()
  const latest = new Map<string, SplitReading>()

  const load = (model: string) => {
    if (loading.has(model)) return
    loading.add(model)
    store.traffic
      .get(model)
      .then((traffic) => {
        // Two reads may overlap; the newer split stays.
        const known = tallies.get(model)?.traffic.revision ?? 0
        if (traffic !== undefined && traffic.revision > known) tallies.set(model, emptyTally(traffic))
      })
      .catch((error: unknown) => logger.warn({ reason: String(error), model }, 'split was not read'))
      .finally(() => loading.delete(model))
  }

  const unwatch = store.watch(({ topic, key }) => {
    if (topic !== 'traffic') return
    tallies.delete(key)
    loading.delete(key)
    load(key)
  })

  const read = (model: string, tally: Tally) => {
    tally.nextReadAt *= 2
    const reading = readSplit(tally.units, tally.traffic.shares)
    if (reading === undefined) return
    latest.set(model, reading)
    if (!reading.isBroken || tally.isBroken) return
    tally.isBroken = true
    logger.warn({ model, units: reading.units, pValue: reading.pValue }, 'traffic split is not as intended')
    onBroken(model, reading)
  }

  return {
    add: (records) => {
      for (const record of records) {
        if (record.assignment !== 'split' || record.version === null || record.bucket === null) continue
        const tally = tallies.get(record.model)
        if (tally === undefined) {
          load(record.model)
          continue
        }
        if (record.at < tally.traffic.updatedAt + SETTLE_MS) continue
        if (tally.seen.size >= LAST_READ_UNITS || tally.seen.has(record.bucket)) continue
        tally.seen.add(record.bucket)
        tally.units.set(record.version, (tally.units.get(record.version) ?? 0) + 1)
        if (tally.seen.size >= tally.nextReadAt) read(record.model, tally)
      }
    },
    readings: () => latest,
    close: unwatch,
  }
}

function emptyTally(traffic: TrafficRow): Tally {
  return { traffic, seen: new Set(), units: new Map(), nextReadAt: FIRST_READ_UNITS, isBroken: false }
}
