import { SlipwayError } from '../../kernel/index.ts'
import type { Page, PageRequest } from '../store.ts'

/** A value for a JSON column. */
export function json(value: unknown): string {
  return JSON.stringify(value)
}

export function jsonOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value)
}

export function dateOrNull(epochMs: number | null): Date | null {
  return epochMs === null ? null : new Date(epochMs)
}

export function msOrNull(date: Date | null): number | null {
  return date === null ? null : date.getTime()
}

/** Rows were asked for with `limit + 1`; the one too many says that there is a next page. */
export function pageOf<Row, T>(
  rows: readonly Row[],
  request: PageRequest,
  cursorOf: (row: Row) => string,
  toItem: (row: Row) => T,
): Page<T> {
  const shown = rows.slice(0, request.limit)
  const last = shown.at(-1)
  const next = rows.length > request.limit && last !== undefined ? cursorOf(last) : null
  return { items: shown.map(toItem), next }
}

/** The cursor of lists that are ordered by `ordinal`. */
export function ordinalCursor(cursor: string | null | undefined): number | undefined {
  if (cursor === undefined || cursor === null) return undefined
  const ordinal = Number(cursor)
  if (!/^\d{1,15}$/.test(cursor)) throw badCursor()
  return ordinal
}

export function badCursor(): SlipwayError {
  return new SlipwayError('invalid_request', {
    reason: 'The cursor is not one that this list handed out.',
  })
}
