import { z } from 'zod'
import { rounded } from '../judging.ts'
import type { Exchange } from '../target/target.ts'

/** One request as evidence keeps it. Times in ms; `sent` and all after it from the intended start, which is `at`. */
export const exchangeRow = z.object({
  class: z.string(),
  /** Intended start, from the start of the block. */
  atMs: z.number(),
  sentMs: z.number(),
  firstByteMs: z.number().nullable(),
  /** First content: TTFT. */
  firstMs: z.number().nullable(),
  /** Between pieces of content that came after one another. */
  gapsMs: z.array(z.number()),
  endMs: z.number(),
  status: z.number(),
  failure: z.enum(['timeout', 'unreachable', 'status', 'garbage', 'truncated']).nullable(),
  inputTokens: z.number().nullable(),
  outputTokens: z.number().nullable(),
})
export type ExchangeRow = z.infer<typeof exchangeRow>

/** @param intendedMs on the clock of the exchange. */
export function rowOf(name: string, startMs: number, intendedMs: number, exchange: Exchange): ExchangeRow {
  const since = (atMs: number) => rounded(atMs - intendedMs, 3)
  const { contentMs, firstByteMs } = exchange
  return {
    class: name,
    atMs: rounded(intendedMs - startMs, 3),
    sentMs: since(exchange.sentMs),
    firstByteMs: firstByteMs === null ? null : since(firstByteMs),
    firstMs: contentMs.length === 0 ? null : since(contentMs[0]!),
    gapsMs: contentMs.slice(1).map((atMs, index) => rounded(atMs - contentMs[index]!, 3)),
    endMs: since(exchange.endMs),
    status: exchange.status,
    failure: exchange.failure,
    inputTokens: exchange.inputTokens,
    outputTokens: exchange.outputTokens,
  }
}
