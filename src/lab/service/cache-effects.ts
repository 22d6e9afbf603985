import { canonicalJson } from '../../kernel/index.ts'
import type { RecordedRequest } from './records.ts'

export interface CacheEffects {
  readonly requests: number
  /** Share of requests whose exact key was met before in the sequence. */
  readonly exactHitShare: number
  /** The same for the second half of the sequence, its first half under other keys: the hour after a switch. */
  readonly exactHitShareAfterSwitch: number
  /** And without a switch, for comparison: the second half, the first half cached. */
  readonly exactHitShareWithoutSwitch: number
  /** Share of all whole prompt blocks that an earlier prompt began with too. */
  readonly prefixReuseShare: number
}

/**
 * What caches would do with the recorded sequence, nothing evicted: an upper bound. The exact key holds all of a request
 * but how it is sent, as the gateway's does; a new version is part of the key, so a switch starts cold.
 * `blockCharacters`: of one block of the engine's prefix cache (vLLM: 16 tokens) times characters a token.
 */
export function cacheEffects(records: readonly RecordedRequest[], blockCharacters: number): CacheEffects {
  const keys = records.map(exactKeyOf)
  const half = Math.floor(keys.length / 2)
  const warm = new Set(keys.slice(0, half))
  return {
    requests: records.length,
    exactHitShare: hitShare(keys, new Set()),
    exactHitShareAfterSwitch: hitShare(keys.slice(half), new Set()),
    exactHitShareWithoutSwitch: hitShare(keys.slice(half), warm),
    prefixReuseShare: prefixReuse(
      records.map(({ prompt }) => prompt),
      blockCharacters,
    ),
  }
}

function exactKeyOf({ body }: RecordedRequest): string {
  const { stream: _, stream_options: __, user: ___, ...asked } = body
  return canonicalJson(asked)
}

function hitShare(keys: readonly string[], cached: ReadonlySet<string>): number {
  const met = new Set(cached)
  let hits = 0
  for (const key of keys) {
    if (met.has(key)) hits++
    met.add(key)
  }
  return keys.length === 0 ? 0 : hits / keys.length
}

/** Prompts meet in a tree whose edges are blocks, so equal blocks behind different beginnings are not shared. */
function prefixReuse(prompts: readonly string[], blockCharacters: number): number {
  const size = Math.max(1, Math.round(blockCharacters))
  const root: Node = new Map()
  let [blocks, reused] = [0, 0]
  for (const prompt of prompts) {
    let node = root
    for (let at = 0; at + size <= prompt.length && at < MOST_BLOCKS * size; at += size) {
      const block = prompt.slice(at, at + size)
      blocks++
      const next = node.get(block)
      if (next !== undefined) reused++
      const child: Node = next ?? new Map()
      if (next === undefined) node.set(block, child)
      node = child
    }
  }
  return blocks === 0 ? 0 : reused / blocks
}

interface Node extends Map<string, Node> {}

/** Of one prompt that are looked at; 65,536 tokens at 16 a block. */
const MOST_BLOCKS = 4096
