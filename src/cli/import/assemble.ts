import type { Guardrail, ProviderKind, RemoteEngine, Rung, VersionSpec } from '../../contracts/index.ts'
import { canonicalJson } from '../../kernel/index.ts'
import type { ImportedVersion, WrittenProvider } from './imported.ts'

/** One place that answers, as another gateway's file says it. */
export interface Target {
  readonly kind: ProviderKind
  readonly modelName: string
  readonly key?: string
  readonly secret?: string
  readonly sessionToken?: string
  readonly region?: string
  readonly baseUrl?: string
  readonly apiVersion?: string
  readonly project?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly totalMs?: number
  readonly firstContentMs?: number
  readonly maxRetries?: number
  readonly sampling?: VersionSpec['sampling']
  readonly guardrails?: readonly Guardrail[]
  /** Relative to the other targets of its model. */
  readonly weight: number
}

const MOST_ACCOUNTS = 64
const ENGINES: Partial<Record<ProviderKind, RemoteEngine>> = {
  anthropic: 'anthropic',
  bedrock: 'bedrock',
  vertex: 'vertex',
  gemini: 'vertex',
  cohere: 'cohere',
  tgi: 'tgi',
}

/** The providers that targets need; equal ones are one. */
export class ProviderShelf {
  readonly #byContent = new Map<string, WrittenProvider>()
  readonly #names = new Set<string>()

  get providers(): WrittenProvider[] {
    return [...this.#byContent.values()]
  }

  /** The name of the provider that is like this. */
  nameOf(content: Omit<WrittenProvider, 'name'>): string {
    const key = canonicalJson(content)
    const known = this.#byContent.get(key)
    if (known !== undefined) return known.name
    const name = uniqueName(content.kind, this.#names)
    this.#byContent.set(key, { name, ...content })
    return name
  }
}

/**
 * Targets that differ only in whom they ask with (key, region, address) become accounts of one provider; what else
 * differs makes versions, whose shares are their weights.
 */
export function versionsOf(targets: readonly Target[], shelf: ProviderShelf): ImportedVersion[] {
  const groups = new Map<string, Target[]>()
  for (const target of targets) {
    const { baseUrl: _b, key: _k, region: _r, secret: _s, sessionToken: _t, weight: _w, ...same } = target
    for (let part = 0; ; part++) {
      const group = canonicalJson({ ...same, part })
      const members = groups.get(group) ?? []
      groups.set(group, members)
      if (members.length >= MOST_ACCOUNTS) continue
      members.push(target)
      break
    }
  }
  const weights = [...groups.values()].map((group) => group.reduce((sum, { weight }) => sum + weight, 0))
  const shares = percentages(weights)
  return [...groups.values()].map((group, index) => ({
    label: `v${index + 1}`,
    spec: specOf(group, shelf),
    sharePercent: shares[index] as number,
  }))
}

function specOf(group: readonly Target[], shelf: ProviderShelf): ImportedVersion['spec'] {
  const [
    {
      apiVersion,
      firstContentMs,
      guardrails,
      headers,
      kind,
      maxRetries,
      modelName,
      project,
      sampling,
      totalMs,
    },
  ] = group as [Target, ...Target[]]
  const timeouts = given({ firstContentMs, totalMs })
  const addresses = new Set(group.map(({ baseUrl }) => baseUrl))
  const common = addresses.size === 1 ? group[0]?.baseUrl : undefined
  const provider = shelf.nameOf({
    kind,
    ...given({ baseUrl: common, apiVersion, project, maxRetries }),
    ...(headers === undefined || Object.keys(headers).length === 0 ? {} : { headers }),
    ...(Object.keys(timeouts).length === 0 ? {} : { timeouts }),
    ...(group.some(({ baseUrl }) => isInner(baseUrl)) || isLocalByDefault(kind, group)
      ? { allowInner: true }
      : {}),
    accounts: accountsOf(group, common),
  })
  return {
    engine: ENGINES[kind] ?? 'openai',
    provider,
    modelName,
    ...(sampling === undefined || Object.keys(sampling).length === 0 ? {} : { sampling }),
    ...(guardrails === undefined || guardrails.length === 0 ? {} : { guardrails: [...guardrails] }),
  }
}

/** Of an account, by the contracts. */
const MAX_WEIGHT = 1000

function accountsOf(
  group: readonly Target[],
  common: string | undefined,
): NonNullable<WrittenProvider['accounts']> {
  const largest = Math.max(...group.map(({ weight }) => weight))
  const scale = largest > MAX_WEIGHT ? MAX_WEIGHT / largest : 1
  return group.map(({ baseUrl, key, region, secret, sessionToken, weight }, index) => ({
    name: `a${index + 1}`,
    ...given({ key, secret, sessionToken, region }),
    ...(baseUrl === undefined || baseUrl === common ? {} : { baseUrl }),
    // 0 leaves the deployment without requests; here the least weight that may stand does nearly so.
    // A product of rounded numbers may be a hair above the most that it can be.
    ...(weight * scale === 1 ? {} : { weight: Math.min(Math.max(weight * scale, 1e-6), MAX_WEIGHT) }),
  }))
}

/** Hundredths of a percent that add up to 100: what is left by rounding goes to the largest. */
export function percentages(weights: readonly number[]): number[] {
  const sum = weights.reduce((left, right) => left + right, 0)
  const even = sum === 0
  const parts = weights.map((weight) => Math.floor((even ? 1 / weights.length : weight / sum) * 10_000))
  const left = 10_000 - parts.reduce((all, part) => all + part, 0)
  const largest = parts.indexOf(Math.max(...parts))
  return parts.map((part, index) => (part + (index === largest ? left : 0)) / 100)
}

/** A rung below the primary. Nobody measured it, so that its quality is a place in the order and no more. */
export function rungOf(
  index: number,
  model: string | undefined,
  version: string,
  on: readonly Trigger[],
): WrittenRung {
  return {
    kind: 'version',
    name: `rung-${index}`,
    quality: Math.max(0, (10 - index) / 10),
    trigger: { on: [...on] },
    ...(model === undefined ? {} : { model }),
    version,
  }
}

export type Trigger = Rung['trigger']['on'][number]
export interface WrittenRung {
  readonly kind: 'version'
  readonly name: string
  readonly quality: number
  readonly trigger: { readonly on: Trigger[] }
  readonly model?: string
  readonly version: string
}

export const ANY_FAILURE: readonly Trigger[] = ['error', 'timeout', 'rate-limited', 'unready', 'overloaded']

/** A name of ours from any words; with a number where it is taken. */
export function uniqueName(words: string, taken: Set<string>): string {
  const plain = words
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 58)
    .replace(/-+$/, '')
  const base = plain === '' ? 'model' : plain
  let name = base
  for (let number = 2; taken.has(name); number++) name = `${base}-${number}`
  taken.add(name)
  return name
}

function isLocalByDefault(kind: ProviderKind, group: readonly Target[]): boolean {
  const local: readonly ProviderKind[] = ['tgi', 'vllm', 'sglang', 'ollama', 'lm-studio', 'llama-cpp']
  return local.includes(kind) && group.some(({ baseUrl }) => baseUrl === undefined)
}

/** Whether an address is on this machine or a private network, as far as it can be read. */
function isInner(url: string | undefined): boolean {
  if (url === undefined) return false
  const { hostname } = new URL(url)
  return (
    /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|\[)/.test(hostname) ||
    /(^|\.)(localhost|internal|local|svc)$/.test(hostname) ||
    !hostname.includes('.')
  )
}

/** Without what is undefined. */
export function given<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>
  }
}
