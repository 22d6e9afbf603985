import type { ChangeEvent } from '../contracts/index.ts'
import type { DeploymentRow, Store, TrafficRow } from '../store/index.ts'

/** What is worth saying happened in the hours before. */
const LOOK_BACK_MS = 24 * 3_600_000
const LINES = 12

/** What changed about a model before `atMs`, newest first, one line a thing, with how long before it was. */
export async function whatChangedBefore(
  store: Pick<Store, 'traffic' | 'changes' | 'deployments'>,
  model: string,
  atMs: number,
): Promise<string[]> {
  const [history, deployments, changes] = await Promise.all([
    store.traffic.history(model, 50),
    store.deployments.list({ model, includeStopped: true }),
    store.changes.list({ model }, { limit: 5 }),
  ])
  const events = await Promise.all(changes.items.map(({ id }) => store.changes.events(id)))
  return linesBefore(atMs, [
    ...trafficMoments(history),
    ...deployments.map(deploymentMoment),
    ...events.flat().map(eventMoment),
  ])
}

interface Moment {
  readonly atMs: number
  readonly what: string
}

function linesBefore(atMs: number, moments: readonly Moment[]): string[] {
  return moments
    .filter((moment) => moment.atMs <= atMs && moment.atMs > atMs - LOOK_BACK_MS)
    .sort((left, right) => right.atMs - left.atMs)
    .slice(0, LINES)
    .map((moment) => `${duration(atMs - moment.atMs)} before: ${moment.what}`)
}

/** `history` is newest first; each row is told as the difference from the one before it. */
function trafficMoments(history: readonly TrafficRow[]): Moment[] {
  return history.map((row, index) => {
    const before = history[index + 1]?.shares ?? {}
    const versions = [...new Set([...Object.keys(before), ...Object.keys(row.shares)])].sort()
    const moves = versions
      .filter((version) => (before[version] ?? 0) !== (row.shares[version] ?? 0))
      .map((version) => `${version} ${before[version] ?? 0} → ${row.shares[version] ?? 0} %`)
    const what = moves.length === 0 ? 'traffic was written again, unchanged' : `traffic ${moves.join(', ')}`
    return { atMs: row.updatedAt, what: `${what} (${row.reason})` }
  })
}

function deploymentMoment({ version, createdAtMs, replicas }: DeploymentRow): Moment {
  return {
    atMs: createdAtMs,
    what: `${version} was first deployed, ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}`,
  }
}

function eventMoment({ change, at, type, actor }: ChangeEvent): Moment {
  return { atMs: at, what: `${change}: ${type.replaceAll('-', ' ')} (${actor})` }
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}
