import type { TextRecord } from '../../contracts/index.ts'
import type { TextQuestion } from './question.ts'

/** What was seen on the way out. */
export interface Shown {
  readonly ttftMs: number | null
  readonly chunks: number
}

export function textRecord(question: TextQuestion, shown: Shown): TextRecord {
  const { asking, subject } = question
  const step = asking?.step
  return {
    operation: subject.operation,
    surface: subject.surface,
    stream: question.isStream,
    provider: subject.of.text.provider,
    providerModel: asking?.providerModel ?? null,
    upstreamRequestId: asking?.upstreamRequestId ?? null,
    ttftMs: shown.ttftMs,
    chunks: shown.chunks,
    finishReason: question.finishReason,
    usage: question.usage,
    cost: question.cost,
    priority: subject.priority,
    rung: step === undefined || step.isPrimary ? null : step.name,
    quality: step?.quality ?? 1,
    cache: question.cache,
    savedUsd: question.savedUsd,
    attempts: [...question.attempts],
    guardrails: question.verdicts.slice(0, MAX_VERDICTS),
  }
}

const MAX_VERDICTS = 128

/** Provider and account, or the replica: who answered, in headers and records. */
export function answeredBy({ asking }: TextQuestion): string | undefined {
  if (asking?.upstreamId == null) return undefined
  return asking.account === null ? asking.upstreamId : `${asking.upstreamId}/${asking.account}`
}

/** The rung that answered, where it is not the primary. */
export function fallbackOf({ asking }: TextQuestion): string | undefined {
  const step = asking?.step
  return step === undefined || step.isPrimary ? undefined : step.name
}
