import { type CostRow, NO_USAGE, type TextAttempt, type TokenUsage } from '../../contracts/index.ts'
import type { TextFailure, TextOutcome } from '../../providers/index.ts'
import type { Pricer } from './parts.ts'
import type { TextVersion } from './text-version.ts'

/** Class by class; what one side does not know, the other decides. */
export function addUsage(left: TokenUsage, right: TokenUsage): TokenUsage {
  return {
    input: add(left.input, right.input),
    cacheRead: add(left.cacheRead, right.cacheRead),
    cacheWrite: add(left.cacheWrite, right.cacheWrite),
    cacheWriteHour: add(left.cacheWriteHour, right.cacheWriteHour),
    output: add(left.output, right.output),
    reasoning: add(left.reasoning, right.reasoning),
    inputAudio: add(left.inputAudio, right.inputAudio),
    outputAudio: add(left.outputAudio, right.outputAudio),
    providerToolCalls: add(left.providerToolCalls, right.providerToolCalls),
  }
}

function add(left: number | null, right: number | null): number | null {
  if (left === null) return right
  return right === null ? left : left + right
}

/** Of a request that nobody upstream was billed for: refused here, answered by the cache, turned away there. */
export const NOTHING_USED: TokenUsage = Object.freeze({ ...NO_USAGE, input: 0, output: 0 })
export const NO_COST: CostRow = Object.freeze({ state: 'exact', costUsd: '0', price: null })

/** Turned away before any work: the provider said so, or nobody was reached. A try that broke off may be billed. */
function isUnbilled({ code, status }: TextFailure): boolean {
  return status >= 400 || code === 'provider_unready' || code === 'replica_unready'
}

function isTold({ cacheRead, input, output }: TokenUsage): boolean {
  return input !== null || output !== null || cacheRead !== null
}

export interface TriedBy {
  readonly rung: string
  readonly version: string | null
  readonly text: Pick<TextVersion, 'priced' | 'provider'>
  readonly account: string | null
  readonly tookMs: number
  readonly atMs: number
}

/** The tries of one exchange, priced each by itself: those that failed may cost too. */
export function attemptsOf(outcome: TextOutcome, by: TriedBy, pricer: Pricer): TextAttempt[] {
  const { rung, text, version } = by
  const attempts: TextAttempt[] = []
  let earlierMs = 0
  for (const earlier of outcome.earlier) {
    earlierMs += earlier.tookMs
    const { usage } = earlier
    const cost =
      earlier.cost ??
      (usage === undefined ? undefined : pricer.cost({ ...priced(by), usage, reportedUsd: null }))
    attempts.push({ ...earlier, rung, version, ...(cost === undefined ? {} : { cost }) })
  }
  const { failure, reportedCostUsd, usage } = outcome
  const last: TextAttempt = {
    rung,
    version,
    provider: text.provider,
    account: by.account,
    status: failure === undefined ? 200 : failure.status,
    code: failure === undefined ? null : failure.code,
    tookMs: Math.max(0, by.tookMs - earlierMs),
  }
  // What may be on a bill has a cost, be it unknown.
  if (failure === undefined || !isUnbilled(failure) || isTold(usage) || reportedCostUsd !== null) {
    last.usage = usage
    last.cost = pricer.cost({ ...priced(by), usage, reportedUsd: reportedCostUsd })
  }
  attempts.push(last)
  return attempts
}

function priced({ atMs, text }: TriedBy) {
  return { provider: text.priced.provider, modelName: text.priced.modelName, atMs }
}
