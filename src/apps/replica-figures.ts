import type { TextReplica } from '../contracts/index.ts'
import type { ObservedReplica } from '../fleet/index.ts'
import type { Clock } from '../kernel/index.ts'

const TIMEOUT_MS = 1000
const MAX_BYTES = 512 * 1024
/** Who asks again within this gets what the last one got: pages are many, replicas answer requests. */
const FRESH_MS = 1000
/** A rate over less than this is noise. */
const LEAST_RATE_MS = 900

interface Known {
  readonly atMs: number
  readonly figures: ReadonlyMap<string, number>
  readonly perSecond: number | null
}

/**
 * What replicas of text say of themselves at `/metrics`, asked when somebody looks and at most once a second. One that
 * does not answer in a second is shown without figures.
 */
export function replicaFigures(
  replicas: () => readonly ObservedReplica[],
  internalKey: string,
  clock: Clock,
): (model: string) => Promise<TextReplica[]> {
  const known = new Map<string, Known>()
  const asking = new Map<string, Promise<Known | undefined>>()

  const ask = async (replicaId: string, httpUrl: string): Promise<Known | undefined> => {
    const before = known.get(replicaId)
    if (before !== undefined && clock.monotonicMs() - before.atMs < FRESH_MS) return before
    const figures = await figuresAt(new URL('/metrics', httpUrl), internalKey)
    if (figures === undefined) return undefined
    const now = { atMs: clock.monotonicMs(), figures, perSecond: null }
    const found = { ...now, perSecond: rateOf(before, now) }
    known.set(replicaId, found)
    return found
  }
  const askOnce = (replicaId: string, httpUrl: string) => {
    let asked = asking.get(replicaId)
    if (asked === undefined) {
      asked = ask(replicaId, httpUrl).finally(() => asking.delete(replicaId))
      asking.set(replicaId, asked)
    }
    return asked
  }

  return async (model) => {
    const all = replicas()
    const present = new Set(all.map(({ replicaId }) => replicaId))
    for (const replicaId of known.keys()) if (!present.has(replicaId)) known.delete(replicaId)
    const own = all.filter((replica) => replica.model === model && replica.alive)
    const rows = await Promise.all(
      own.map(async ({ label, replicaId, status }) => {
        const url = status.httpUrl
        const found = url === null ? undefined : await askOnce(replicaId, url)
        return rowOf(replicaId, label, status.phase === 'ready', found)
      }),
    )
    return rows.filter((row) => row !== undefined)
  }
}

/** Undefined for a replica that answers no text. */
function rowOf(
  replica: string,
  version: string,
  isReady: boolean,
  found: Known | undefined,
): TextReplica | undefined {
  const of = (name: string) => found?.figures.get(`slipway_replica_${name}`) ?? null
  if (found !== undefined && of('text_running_requests') === null) return undefined
  return {
    replica,
    version,
    isReady,
    running: of('text_running_requests'),
    waiting: of('text_waiting_requests'),
    kvBlocks: of('text_kv_blocks'),
    kvUsedShare: of('text_kv_cache_share'),
    reuseShare: of('text_prefix_hit_share'),
    outputTokensPerSecond: found?.perSecond ?? null,
  }
}

function rateOf(before: Known | undefined, now: Known): number | null {
  const tokens = now.figures.get(OUTPUT)
  const earlier = before?.figures.get(OUTPUT)
  if (before === undefined || tokens === undefined || earlier === undefined) return null
  const spanMs = now.atMs - before.atMs
  // A count that fell is that of a process that began anew.
  if (spanMs < LEAST_RATE_MS || tokens < earlier) return null
  return ((tokens - earlier) * 1000) / spanMs
}

const OUTPUT = 'slipway_replica_text_output_tokens_total'

async function figuresAt(url: URL, internalKey: string): Promise<ReadonlyMap<string, number> | undefined> {
  try {
    const answer = await fetch(url, {
      headers: { authorization: `Bearer ${internalKey}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    })
    if (!answer.ok || answer.body === null) {
      await answer.body?.cancel()
      return undefined
    }
    let text = ''
    const decoder = new TextDecoder()
    for await (const bytes of answer.body) {
      text += decoder.decode(bytes, { stream: true })
      if (text.length > MAX_BYTES) return undefined
    }
    return plainFigures(text)
  } catch {
    return undefined
  }
}

/** Metrics without labels of their own, by name (Prometheus text format 0.0.4); a replica's all carry the same three. */
function plainFigures(text: string): ReadonlyMap<string, number> {
  const figures = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, name, value] = /^(slipway_replica_text_[a-z_]+)(?:\{[^}]*\})? (\S+)$/.exec(line) ?? []
    if (name === undefined || value === undefined || name.endsWith('_bucket')) continue
    const figure = Number(value)
    if (Number.isFinite(figure)) figures.set(name, figure)
  }
  return figures
}
