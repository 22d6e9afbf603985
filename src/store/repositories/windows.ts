import type { Selectable } from 'kysely'
import type { TrafficWindow } from '../../contracts/index.ts'
import { mergeInto } from '../../kernel/index.ts'
import type { Session } from '../database.ts'
import type { Tables } from '../schema.ts'
import type { WindowRepository } from '../store.ts'
import type { Context } from './context.ts'
import { json } from './rows.ts'

export function windowRepository({ database, tell }: Context): WindowRepository {
  return {
    merge: async (windows) => {
      if (windows.length === 0) return
      await database.transaction((session) => mergeWindows(session, windows))
      for (const model of new Set(windows.map((window) => window.model))) tell('windows', model)
    },

    list: async ({ model, fromMs, toMs, versions }) => {
      let query = database.db
        .selectFrom('windows')
        .selectAll()
        .where('model_name', '=', model)
        .where('start', '>=', new Date(fromMs))
        .where('start', '<', new Date(toMs))
        .orderBy('start')
        .orderBy('version')
      if (versions !== undefined) {
        if (versions.length === 0) return []
        query = query.where('version', 'in', versions)
      }
      return (await query.execute()).map(toWindow)
    },
  }
}

/** One statement for all. Sorted by key, so that two writers lock rows in the same order and cannot deadlock. */
export async function mergeWindows(session: Session, windows: readonly TrafficWindow[]): Promise<void> {
  if (windows.length === 0) return
  const rows = mergedByKey(windows)
    .sort((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1))
    .map((window) => ({
      model_name: window.model,
      version: window.version,
      start: new Date(window.startMs).toISOString(),
      size_ms: window.sizeMs,
      requests: window.requests,
      errors: window.errors,
      timeouts: window.timeouts,
      refusals: window.refusals,
      row_count: window.rows,
      compute_ms: window.computeMs,
      latency: window.latency,
    }))
  await session.query(
    `INSERT INTO windows AS stored
       (model_name, version, "start", size_ms, requests, errors, timeouts, refusals, row_count, compute_ms, latency)
     SELECT * FROM jsonb_to_recordset($1::jsonb) AS given(
       model_name text, version text, "start" timestamptz, size_ms integer, requests integer, errors integer,
       timeouts integer, refusals integer, row_count integer, compute_ms double precision, latency jsonb)
     ON CONFLICT (model_name, "start", size_ms, version) DO UPDATE SET
       requests   = stored.requests + excluded.requests,
       errors     = stored.errors + excluded.errors,
       timeouts   = stored.timeouts + excluded.timeouts,
       refusals   = stored.refusals + excluded.refusals,
       row_count  = stored.row_count + excluded.row_count,
       compute_ms = stored.compute_ms + excluded.compute_ms,
       latency    = add_histograms(stored.latency, excluded.latency)`,
    [json(rows)],
  )
}

function keyOf({ model, version, startMs, sizeMs }: TrafficWindow): string {
  return `${model} ${startMs} ${sizeMs} ${version}`
}

/** A statement may touch a row once, so what falls on the same row is added up before. */
function mergedByKey(windows: readonly TrafficWindow[]): TrafficWindow[] {
  const merged = new Map<string, TrafficWindow>()
  for (const window of windows) {
    const into = merged.get(keyOf(window))
    if (into === undefined) {
      merged.set(keyOf(window), { ...window, latency: { ...window.latency } })
      continue
    }
    into.requests += window.requests
    into.errors += window.errors
    into.timeouts += window.timeouts
    into.refusals += window.refusals
    into.rows += window.rows
    into.computeMs += window.computeMs
    mergeInto(into.latency, window.latency)
  }
  return [...merged.values()]
}

function toWindow(row: Selectable<Tables['windows']>): TrafficWindow {
  return {
    model: row.model_name,
    version: row.version,
    startMs: row.start.getTime(),
    sizeMs: row.size_ms,
    requests: row.requests,
    errors: row.errors,
    timeouts: row.timeouts,
    refusals: row.refusals,
    rows: row.row_count,
    computeMs: row.compute_ms,
    latency: row.latency,
  }
}
