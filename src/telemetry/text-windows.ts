import type { RequestRecord, TextRecord, TextWindow } from '../contracts/index.ts'
import { bucketOf } from '../kernel/index.ts'

export const TEXT_WINDOW_MS = 60_000

/**
 * Different keys that one minute of a version may have. Names in keys come from providers, ladders and rules, which are
 * configured, and codes from a table; what a broken sender makes up beyond that is counted as `keys.dropped`.
 */
const MAX_KEYS = 4096

/**
 * The sums of a minute are one flat map, so that storing them is adding maps. Keys:
 * `requests`, `outcome.<class>`, `code.<code>`, `tokens.<class>`, `tokens.unknown`, `cost.<state>`, `nanoUsd.<state>`,
 * `savedNanoUsd`, `ttft.<bucket>`, `itl.<bucket>`, `cache.<how>`, `rung.<name, empty for the primary>`,
 * `rule.<mode>.<checkpoint>.<verdict>.<name>`, `try.<ok or code>.<provider>/<account>`.
 *
 * All of a version's requests for text are in it, pinned ones too, since those cost as much.
 */
export function textWindowsOf(records: readonly RequestRecord[]): TextWindow[] {
  const windows = new Map<string, Sums>()
  for (const record of records) {
    const { at, model, text, version } = record
    if (text === undefined || version === null) continue
    const startMs = at - (at % TEXT_WINDOW_MS)
    const key = `${startMs} ${model} ${version}`
    let sums = windows.get(key)
    if (sums === undefined) {
      sums = new Sums(model, version, startMs)
      windows.set(key, sums)
    }
    sums.add(record, text)
  }
  return [...windows.values()].map((sums) => sums.window())
}

class Sums {
  readonly #of: Omit<TextWindow, 'counts'>
  readonly #counts = new Map<string, number>()
  /** Attodollars, by the key that they become. */
  readonly #money = new Map<string, bigint>()

  constructor(model: string, version: string, startMs: number) {
    this.#of = { model, version, startMs }
  }

  add({ code, latencyMs, outcome }: RequestRecord, text: TextRecord): void {
    this.#count('requests')
    this.#count(`outcome.${outcome}`)
    if (code !== null) this.#count(`code.${code}`)
    this.#use(text)
    if (text.cache !== 'off') this.#count(`cache.${text.cache}`)
    if (outcome === 'ok') this.#count(`rung.${text.rung ?? ''}`)
    // What a cache answers at once says nothing of how fast the version is.
    if (text.ttftMs !== null && text.stream && !FROM_CACHE.has(text.cache)) {
      this.#count(`ttft.${bucketOf(text.ttftMs)}`)
      if (outcome === 'ok' && text.chunks > 1)
        this.#count(`itl.${bucketOf((latencyMs - text.ttftMs) / (text.chunks - 1))}`)
    }
    for (const { checkpoint, mode, rule, verdict } of text.guardrails)
      this.#count(`rule.${mode}.${checkpoint}.${verdict}.${rule}`)
    for (const { account, code: end, provider } of text.attempts)
      if (provider !== null) this.#count(`try.${end ?? 'ok'}.${provider}/${account ?? ''}`)
  }

  window(): TextWindow {
    for (const [key, amount] of this.#money) this.#count(key, Number((amount + HALF) / ATTO_PER_NANO))
    this.#money.clear()
    return { ...this.#of, counts: Object.fromEntries(this.#counts) }
  }

  #use({ cost, savedUsd, usage }: TextRecord): void {
    const { cacheRead, cacheWrite, cacheWriteHour, input, output } = usage
    if (input === null && output === null) this.#count('tokens.unknown')
    this.#count('tokens.input', input ?? 0)
    this.#count('tokens.cacheRead', cacheRead ?? 0)
    this.#count('tokens.cacheWrite', (cacheWrite ?? 0) + (cacheWriteHour ?? 0))
    this.#count('tokens.output', output ?? 0)
    this.#count(`cost.${cost.state}`)
    if (cost.costUsd !== null) this.#pay(`nanoUsd.${cost.state}`, cost.costUsd)
    if (savedUsd !== null) this.#pay('savedNanoUsd', savedUsd)
  }

  #count(key: string, by = 1): void {
    if (by === 0) return
    const known = this.#counts.get(key)
    if (known === undefined && this.#counts.size >= MAX_KEYS) this.#lose('keys.dropped')
    else this.#counts.set(key, (known ?? 0) + by)
  }

  #lose(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  #pay(key: string, costUsd: string): void {
    this.#money.set(key, (this.#money.get(key) ?? 0n) + attodollars(costUsd))
  }
}

const FROM_CACHE: ReadonlySet<TextRecord['cache']> = new Set(['hit', 'stale', 'semantic'])
const ATTO_PER_NANO = 10n ** 9n
const HALF = ATTO_PER_NANO / 2n

/** Exact below a write; rounded to nanodollars once a write. What is no decimal text costs nothing. */
function attodollars(decimal: string): bigint {
  const [, whole, fraction = ''] = /^(\d{1,9})(?:\.(\d*))?$/.exec(decimal) ?? []
  if (whole === undefined) return 0n
  return BigInt(whole) * 10n ** 18n + BigInt(fraction.slice(0, 18).padEnd(18, '0'))
}

/** Adds the counts of `window` to `into`. */
export function addCounts(into: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [key, count] of Object.entries(counts)) into[key] = (into[key] ?? 0) + count
}
