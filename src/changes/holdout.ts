import { z } from 'zod'
import type { ChangeEvent, CheckName } from '../contracts/index.ts'
import { checkingRun, last } from './facts.ts'
import type { Ledger } from './ledger.ts'
import type { ChangeParts } from './parts.ts'
import { holdoutLimitOf } from './policy.ts'
import type { View } from './step.ts'
import { grouped } from './words.ts'

/**
 * Data that was held out says less with each candidate that was judged by it, so each read is written down before it
 * happens: into the audit log, which counts over all changes, and with the count into the log of the change. Evidence
 * stays what its raw blocks say; how often its data was used before is no part of it.
 */
export const HOLDOUT_READ = 'read holdout'

/** Only this check compares answers with labels, so only by it does a choice of candidates wear the data out. */
const JUDGES_BY_LABELS: CheckName = 'accuracy'

const holdoutData = z.object({
  check: z.string(),
  dataset: z.string(),
  digest: z.string(),
  /** Reads by checks of any change of this model, this one included. */
  reads: z.number().int(),
  /** Changes of this model that were judged by its labels, this one included. */
  judged: z.number().int(),
  warnAbove: z.number().int(),
  /** The entry of the audit log. */
  audit: z.string(),
})
export type HoldoutRead = z.infer<typeof holdoutData>

export function holdoutOf({ data }: Pick<ChangeEvent, 'data'>): HoldoutRead {
  return holdoutData.parse(data)
}

/** The newest record of a change; undefined where its data was not held out, or not read yet. */
export function lastHoldout(events: readonly ChangeEvent[]): HoldoutRead | undefined {
  const event = last(events, 'holdout-read')
  return event === undefined ? undefined : holdoutOf(event)
}

/** "holdout read 3 times, 1 candidate judged by it". */
export function holdoutWords({ reads, judged }: HoldoutRead): string {
  const times = reads === 1 ? 'once' : `${grouped(reads)} times`
  return `holdout read ${times}, ${grouped(judged)} candidate${judged === 1 ? '' : 's'} judged by it`
}

/** What people are told when the data was used too often; undefined while it was not. */
export function holdoutWarning({ dataset, judged, warnAbove }: HoldoutRead): string | undefined {
  return judged <= warnAbove
    ? undefined
    : `${dataset} has judged ${grouped(judged)} candidates, more than ${grouped(warnAbove)}: what is chosen by it begins to fit it; refresh the held-out data`
}

/** One record a check and attempt; a check that broke off and is tried again goes on with the same read. */
export async function countHoldout(
  { store, clock }: ChangeParts,
  ledger: Ledger,
  view: View,
  check: CheckName,
): Promise<void> {
  const { change, events } = view
  const run = checkingRun(events)
  const started = last(events, 'checking-started')
  if (run === undefined || started === undefined) throw new Error(`${change.id} was never started`)
  const { model, data } = change.proposal
  const { name: dataset, digest } = await store.datasets.get(data.golden)
  const entry = await store.audit.append({
    at: clock.nowMs(),
    actor: started.actor,
    action: HOLDOUT_READ,
    target: digest,
    detail: { model, change: change.id, check, attempt: run.attempt, dataset, key: started.data.key ?? null },
  })
  const all = { action: HOLDOUT_READ, target: digest }
  const reads = await store.audit.count({ ...all, detail: { model } }, 'change')
  const judged = await store.audit.count({ ...all, detail: { model, check: JUDGES_BY_LABELS } }, 'change')
  const told: HoldoutRead = {
    check,
    dataset,
    digest,
    reads: reads.entries,
    judged: judged.different,
    warnAbove: holdoutLimitOf(run.policy),
    audit: entry.hash,
  }
  await ledger.append(view, { type: 'holdout-read', data: told, actor: started.actor })
}

/** Held-out data is not read without a record of it. */
export function holdoutProblems(
  events: readonly ChangeEvent[],
  digest: string,
  isHeldOut: boolean,
): string[] {
  const reads = events.filter(({ type }) => type === 'holdout-read')
  if (!isHeldOut) return reads.length === 0 ? [] : ['the log counts reads of data that was not held out']
  const foreign = reads.filter(({ data }) => holdoutOf({ data }).digest !== digest)
  const silent = events
    .filter(({ type }) => type === 'check-finished')
    .filter((finished) => {
      const started = events.findLast(
        (one) =>
          one.type === 'check-started' &&
          one.sequence < finished.sequence &&
          one.data.check === finished.data.check,
      )
      const from = started?.sequence ?? 0
      return !reads.some(
        ({ sequence, data }) =>
          data.check === finished.data.check && sequence > from && sequence < finished.sequence,
      )
    })
  return [
    ...foreign.map(({ sequence }) => `event ${sequence} counts reads of other data`),
    ...silent.map(({ data }) => `the ${String(data.check)} check read held-out data without a record`),
  ]
}
