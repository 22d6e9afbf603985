import type { CostRow, TokenUsage } from '../contracts/index.ts'
import { dollars, type Rates, rateFor, type TokenClass } from './rates.ts'

/**
 * C = U·p_in + R·p_read + W·p_write + (O − Θ)·p_out + Θ·p_reason + audio + requests + tool calls, exact to 10⁻¹⁸ USD.
 *
 * `exact` needs a price for each class that was used. A class with tokens and no price of its own is counted as the
 * class that it would be without the distinction, and the row says `estimated` and why. Without prices, or without a
 * count of what went in and out, the cost is `unknown`, never zero.
 */
export function costOfUsage(
  usage: TokenUsage,
  rates: Rates | undefined,
  reportedUsd: string | null = null,
): CostRow {
  if (reportedUsd !== null)
    return { state: 'provider-reported', costUsd: reportedUsd, price: rates?.source ?? null }
  if (rates === undefined)
    return { state: 'unknown', costUsd: null, price: null, reason: 'no price is known for this model' }
  if (usage.input === null || usage.output === null)
    return { state: 'unknown', costUsd: null, price: rates.source, reason: 'the provider told no usage' }
  const bill = new Bill(rates, promptTokens(usage))
  const inputAudio = Math.min(usage.inputAudio ?? 0, usage.input)
  bill.add('input', usage.input - inputAudio)
  bill.add('inputAudio', inputAudio, 'input')
  bill.add('cacheRead', usage.cacheRead ?? 0, 'input')
  bill.add('cacheWrite', usage.cacheWrite ?? 0, 'input')
  bill.add('cacheWriteHour', usage.cacheWriteHour ?? 0, 'cacheWrite')
  const outputAudio = Math.min(usage.outputAudio ?? 0, usage.output)
  const spoken = usage.output - outputAudio
  const reasoning = Math.min(usage.reasoning ?? 0, spoken)
  bill.add('output', spoken - reasoning)
  // Thinking is billed as output unless a price says otherwise; that is the rule, not an estimate.
  bill.add(rates.tokens.reasoning === undefined ? 'output' : 'reasoning', reasoning)
  bill.add('outputAudio', outputAudio, 'output')
  bill.addToolCalls(usage.providerToolCalls ?? 0)
  return bill.row()
}

/** The most that a request can cost, for what is reserved before it: every token at the dearest class that it may be. */
export function costBound(
  rates: Rates | undefined,
  inputTokens: number,
  outputTokens: number,
): bigint | undefined {
  if (rates?.tokens.input === undefined || rates.tokens.output === undefined) return undefined
  const dearest = (...classes: TokenClass[]): bigint => {
    let most = 0n
    for (const tokenClass of classes) {
      const rate = rates.tokens[tokenClass]
      const price = rate === undefined ? 0n : rateFor(rate, inputTokens)
      if (price > most) most = price
    }
    return most
  }
  return (
    rates.request +
    BigInt(Math.ceil(inputTokens)) * dearest('input', 'cacheWrite', 'cacheWriteHour', 'inputAudio') +
    BigInt(Math.ceil(outputTokens)) * dearest('output', 'reasoning', 'outputAudio')
  )
}

/** Tiers go by everything that the model read. */
function promptTokens(usage: TokenUsage): number {
  return (usage.input ?? 0) + (usage.cacheRead ?? 0) + (usage.cacheWrite ?? 0) + (usage.cacheWriteHour ?? 0)
}

class Bill {
  readonly #rates: Rates
  readonly #promptTokens: number
  readonly #missing: string[] = []
  readonly #standIns: string[] = []
  #sum: bigint

  constructor(rates: Rates, prompt: number) {
    this.#rates = rates
    this.#promptTokens = prompt
    this.#sum = rates.request
  }

  add(tokenClass: TokenClass, tokens: number, standIn?: TokenClass): void {
    if (tokens <= 0) return
    const own = this.#rates.tokens[tokenClass]
    const rate = own ?? (standIn === undefined ? undefined : this.#rates.tokens[standIn])
    if (rate === undefined) this.#missing.push(tokenClass)
    else {
      if (own === undefined) this.#standIns.push(`${tokenClass} is counted as ${standIn}`)
      this.#sum += BigInt(tokens) * rateFor(rate, this.#promptTokens)
    }
  }

  addToolCalls(calls: number): void {
    if (calls <= 0) return
    if (this.#rates.providerToolCall === undefined) this.#missing.push('tool calls of the provider')
    else this.#sum += BigInt(calls) * this.#rates.providerToolCall
  }

  row(): CostRow {
    const price = this.#rates.source
    if (this.#missing.length > 0)
      return { state: 'unknown', costUsd: null, price, reason: `no price for ${this.#missing.join(', ')}` }
    const costUsd = dollars(this.#sum)
    return this.#standIns.length === 0
      ? { state: 'exact', costUsd, price }
      : { state: 'estimated', costUsd, price, reason: this.#standIns.join('; ') }
  }
}
