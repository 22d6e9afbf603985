import { type ExpressionBuilder, type Selectable, sql } from 'kysely'
import type { RequestRecord, TextRecord } from '../../contracts/index.ts'
import { copyLine } from '../copy-text.ts'
import type { Session } from '../database.ts'
import { maintainPartitions } from '../partitions.ts'
import type { Tables } from '../schema.ts'
import type { Derived, LogBatch, RequestLog } from '../store.ts'
import type { Context } from './context.ts'
import { insertFailureCases } from './failure-cases.ts'
import { badCursor, json, jsonOrNull, pageOf } from './rows.ts'
import { mergeTextWindows } from './text-windows.ts'
import { mergeWindows } from './windows.ts'

/** Partitions are made a week ahead, so that a control plane that is away over a weekend is not missed. */
const DAYS_AHEAD = 7

export function requestLog({ database, clock, tell }: Context): RequestLog {
  const { db } = database

  const take = async (
    batches: readonly LogBatch[],
    derive: (records: readonly RequestRecord[]) => Derived,
  ) => {
    const taken = await database.transaction(async (session) => {
      const isNew = await claimBatches(session, batches, clock.nowMs())
      const records = batches.filter((_, index) => isNew[index]).flatMap((batch) => batch.records)
      if (records.length > 0) await session.copyIn(COPY, records.map(toLine).join(''))
      const derived = derive(records)
      await mergeWindows(session, derived.windows)
      await mergeTextWindows(session, derived.textWindows ?? [])
      const newCases = await insertFailureCases(session, derived.failureCases)
      return { isNew, derived, newCases }
    })
    for (const model of new Set(taken.derived.windows.map((window) => window.model))) tell('windows', model)
    if (taken.newCases > 0)
      for (const model of new Set(taken.derived.failureCases.map((item) => item.model)))
        tell('failure-cases', model)
    return { isNew: taken.isNew, newCases: taken.newCases }
  }

  return {
    take,

    append: async ({ gateway, sequence }, records) => {
      const { isNew } = await take([{ gateway, sequence, records }], () => NOTHING)
      return { taken: isNew[0] ? records.length : 0 }
    },

    list: async (filter, page) => {
      let query = db
        .selectFrom('inference_logs')
        .selectAll()
        .where((where) => where.and(conditions(where, filter)))
        .orderBy('timestamp', 'desc')
        .orderBy('request_id', 'desc')
        .limit(page.limit + 1)
      if (page.cursor) {
        const { atMs, requestId } = parseCursor(page.cursor)
        query = query.where(
          sql<boolean>`("timestamp", request_id) < (${new Date(atMs)}::timestamptz, ${requestId})`,
        )
      }
      return pageOf(await query.execute(), page, cursorOf, toRecord)
    },

    count: async (filter) => {
      const row = await db
        .selectFrom('inference_logs')
        .select((select) => select.fn.countAll<number>().as('count'))
        .where((where) => where.and(conditions(where, filter)))
        .executeTakeFirstOrThrow()
      return row.count
    },

    maintainPartitions: (nowMs, retentionDays) =>
      database.transaction((session) =>
        maintainPartitions(session, nowMs, { retentionDays, daysAhead: DAYS_AHEAD }),
      ),
  }
}

const NOTHING: Derived = { windows: [], failureCases: [] }

/** Which batches are new. Of two equal ones in the same call the first is. */
async function claimBatches(
  session: Session,
  batches: readonly LogBatch[],
  nowMs: number,
): Promise<boolean[]> {
  const rows = batches.map(({ gateway, sequence, records }) => ({
    gateway,
    sequence,
    records: records.length,
  }))
  const claimed = await session.query<{ gateway: string; sequence: number }>(
    `INSERT INTO telemetry_batches (gateway, sequence, records, taken_at)
     SELECT gateway, sequence, records, $2::timestamptz
     FROM jsonb_to_recordset($1::jsonb) AS given(gateway text, sequence bigint, records integer)
     ORDER BY gateway, sequence
     ON CONFLICT DO NOTHING
     RETURNING gateway, sequence`,
    [json(rows), new Date(nowMs).toISOString()],
  )
  const open = new Set(claimed.map(({ gateway, sequence }) => `${sequence} ${gateway}`))
  return batches.map(({ gateway, sequence }) => open.delete(`${sequence} ${gateway}`))
}

const COPY = `COPY inference_logs (request_id, model_name, version, latency_ms, status_code, "timestamp", replica, tenant,
  api_key, assignment, experiment, bucket, outcome, code, queue_ms, compute_ms, row_count, retries, input, "text")`

function toLine(record: RequestRecord): string {
  return copyLine([
    record.requestId,
    record.model,
    record.version,
    record.latencyMs,
    int4(record.status),
    new Date(Math.min(record.at, LAST_MS)).toISOString(),
    record.replica,
    record.tenant,
    record.key,
    record.assignment,
    record.experiment,
    record.bucket,
    record.outcome,
    record.code,
    record.queueMs,
    record.computeMs,
    int4(record.rows),
    int4(record.retries),
    record.input ?? null,
    jsonOrNull(record.text),
  ])
}

/** End of the year 9999. One record with a broken clock must not make its whole batch fail for ever. */
const LAST_MS = 253_402_300_799_999

function int4(value: number): number {
  return Math.max(-2_147_483_648, Math.min(2_147_483_647, value))
}

interface Filter {
  readonly model?: string | undefined
  readonly version?: string | undefined
  readonly status?: number | undefined
  readonly requestId?: string | undefined
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
}

function conditions(where: ExpressionBuilder<Tables, 'inference_logs'>, filter: Filter) {
  const { model, version, status, requestId, fromMs, toMs } = filter
  return [
    ...(model === undefined ? [] : [where('model_name', '=', model)]),
    ...(version === undefined ? [] : [where('version', '=', version)]),
    ...(status === undefined ? [] : [where('status_code', '=', status)]),
    ...(requestId === undefined ? [] : [where('request_id', '=', requestId)]),
    ...(fromMs === undefined ? [] : [where('timestamp', '>=', new Date(fromMs))]),
    ...(toMs === undefined ? [] : [where('timestamp', '<', new Date(toMs))]),
  ]
}

function cursorOf(row: Selectable<Tables['inference_logs']>): string {
  return `${row.timestamp.getTime()}_${row.request_id}`
}

function parseCursor(cursor: string): { atMs: number; requestId: string } {
  const parts = /^(\d{1,15})_(.*)$/s.exec(cursor)
  if (parts === null) throw badCursor()
  return { atMs: Number(parts[1]), requestId: parts[2] as string }
}

function toRecord(row: Selectable<Tables['inference_logs']>): RequestRecord {
  return {
    requestId: row.request_id,
    at: row.timestamp.getTime(),
    model: row.model_name,
    version: row.version,
    replica: row.replica,
    tenant: row.tenant,
    key: row.api_key,
    assignment: row.assignment as RequestRecord['assignment'],
    experiment: row.experiment,
    bucket: row.bucket,
    status: row.status_code,
    outcome: row.outcome as RequestRecord['outcome'],
    code: row.code,
    latencyMs: row.latency_ms,
    queueMs: row.queue_ms,
    computeMs: row.compute_ms,
    rows: row.row_count,
    retries: row.retries,
    ...(row.input === null ? {} : { input: row.input }),
    ...(row.text === null ? {} : { text: row.text as TextRecord }),
  }
}
