import type { FailureCase, RequestRecord } from '../contracts/index.ts'
import { newId } from '../kernel/index.ts'

/** Failing requests of a model that are kept a minute; a broken version must not fill the store with one error. */
const KEPT_PER_MINUTE = 60

export interface Capture {
  /** Which records become cases. Nothing is counted until `kept` says that they were stored. */
  select(records: readonly RequestRecord[], nowMs: number): { cases: FailureCase[]; suppressed: number }
  kept(cases: readonly FailureCase[], nowMs: number): void
}

/** A failed request whose input came with it is evidence of a fault: kept as a negative case, bounded a minute. */
export function createCapture(perMinute = KEPT_PER_MINUTE): Capture {
  let minute = -1
  const used = new Map<string, number>()

  const turnTo = (nowMs: number) => {
    const now = Math.floor(nowMs / 60_000)
    if (now === minute) return
    minute = now
    used.clear()
  }

  return {
    select: (records, nowMs) => {
      turnTo(nowMs)
      const cases: FailureCase[] = []
      const selected = new Map<string, number>()
      let suppressed = 0
      for (const record of records) {
        if (record.outcome !== 'error' || record.input === undefined || record.version === null) continue
        const count = (used.get(record.model) ?? 0) + (selected.get(record.model) ?? 0)
        if (count >= perMinute) {
          suppressed++
          continue
        }
        selected.set(record.model, (selected.get(record.model) ?? 0) + 1)
        cases.push(caseOf(record, record.version, record.input))
      }
      return { cases, suppressed }
    },

    kept: (cases, nowMs) => {
      turnTo(nowMs)
      for (const { model } of cases) used.set(model, (used.get(model) ?? 0) + 1)
    },
  }
}

function caseOf(record: RequestRecord, version: string, input: string): FailureCase {
  return {
    id: newId('f'),
    requestId: record.requestId,
    model: record.model,
    version,
    at: record.at,
    code: record.code ?? 'error',
    label: 'negative',
    input,
    changeId: null,
    incidentId: null,
  }
}
