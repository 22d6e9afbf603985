import { battery } from './battery.ts'
import { type CacheEffects, cacheEffects } from './cache-effects.ts'
import { type ContractRow, contractRows, type Observation } from './contract-rows.ts'
import type { RecordedRequest } from './records.ts'
import { type CountedRequest, summariseTokens, type TokenSummary } from './token-counts.ts'

export interface ServiceRaw {
  readonly observations: readonly Observation[]
  readonly counted: readonly CountedRequest[]
}

export interface ServiceJudgement {
  readonly status: 'pass' | 'fail' | 'inconclusive'
  readonly summary: string
  readonly rows: readonly ContractRow[]
  readonly tokens: TokenSummary | null
  readonly cache: { readonly before: CacheEffects; readonly after: CacheEffects } | null
}

/** Pure: the same observations give the same judgement. More overflows than before break the clients that send them. */
export function judgeService(
  raw: ServiceRaw,
  records: readonly RecordedRequest[],
  windows: { before: number | null; after: number | null },
): ServiceJudgement {
  const rows = contractRows(battery, raw.observations)
  const tokens = raw.counted.length === 0 ? null : summariseTokens(raw.counted, windows)
  const breaking = rows.filter(({ effect }) => effect === 'breaking').map(said)
  if (tokens !== null && overflowsOnlyAfter(raw.counted, windows) > 0)
    breaking.push(
      `${overflowsOnlyAfter(raw.counted, windows)} recorded requests no longer fit into the context`,
    )
  const open = rows.filter(({ effect }) => effect === 'unknown').length
  // A probe that one side did not answer is no proof of anything; all of them silent is no measurement.
  const silent = rows.filter(({ aspect, effect }) => aspect === 'answer' && effect === 'unknown').length
  const status = breaking.length > 0 ? 'fail' : silent > 0 ? 'inconclusive' : 'pass'
  const compatible = rows.length - open - rows.filter(({ effect }) => effect === 'breaking').length
  const tail = `${compatible} compatible and ${open} unknown differences in ${raw.observations.length} probes`
  return {
    status,
    summary: breaking.length > 0 ? `${breaking.join('; ')}; ${tail}.` : `Nothing breaks; ${tail}.`,
    rows,
    tokens,
    cache: records.length === 0 ? null : cacheOf(records, raw.counted),
  }
}

function said({ probe, aspect, before, after, hurts }: ContractRow): string {
  return `${probe}: ${aspect} is ${after ?? 'gone'} where it was ${before ?? 'nothing'} (hurts ${hurts})`
}

function overflowsOnlyAfter(
  counted: readonly CountedRequest[],
  windows: { before: number | null; after: number | null },
): number {
  return counted.filter((one) => isOver(one, 'after', windows.after) && fits(one, 'before', windows.before))
    .length
}

function isOver(one: CountedRequest, side: 'before' | 'after', window: number | null): boolean {
  const { tokens, isOverflow } = one[side]
  return isOverflow || (tokens !== null && window !== null && tokens + one.outputTokens > window)
}

/** Not the contrary of `isOver`: what was not answered is neither. */
function fits(one: CountedRequest, side: 'before' | 'after', window: number | null): boolean {
  return one[side].tokens !== null && !isOver(one, side, window)
}

function cacheOf(records: readonly RecordedRequest[], counted: readonly CountedRequest[]) {
  const of = (side: 'before' | 'after') =>
    cacheEffects(records, BLOCK_TOKENS * charactersAToken(counted, side))
  return { before: of('before'), after: of('after') }
}

function charactersAToken(counted: readonly CountedRequest[], side: 'before' | 'after'): number {
  const known = counted.filter((one) => one[side].tokens !== null)
  const tokens = known.reduce((sum, one) => sum + one[side].tokens!, 0)
  return tokens === 0
    ? USUAL_CHARACTERS_A_TOKEN
    : known.reduce((sum, { characters }) => sum + characters, 0) / tokens
}

/** vLLM's default block of the prefix cache. */
const BLOCK_TOKENS = 16
/** Of English, where no target counted. */
const USUAL_CHARACTERS_A_TOKEN = 4
