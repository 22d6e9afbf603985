import type { RowCursor, TensorLayout } from './layout.ts'

/** A tensor at the cursor as nested arrays. */
export function readValue(cursor: RowCursor, layout: TensorLayout): unknown {
  cursor.enter(layout)
  return nested(cursor, layout, cursor.dimensions, 0)
}

function nested(
  cursor: RowCursor,
  layout: TensorLayout,
  dimensions: readonly number[],
  depth: number,
): unknown {
  if (depth === dimensions.length) return scalar(cursor, layout)
  const values: unknown[] = []
  const length = dimensions[depth] as number
  for (let index = 0; index < length; index++) values.push(nested(cursor, layout, dimensions, depth + 1))
  return values
}

function scalar(cursor: RowCursor, { element }: TensorLayout): unknown {
  if (element === undefined) return cursor.text()
  const value = element.get(cursor.view, cursor.at)
  cursor.at += element.bytes
  return value
}

/** A tensor at the cursor as JSON text. */
export function readText(cursor: RowCursor, layout: TensorLayout): string {
  cursor.enter(layout)
  return nestedText(cursor, layout, cursor.dimensions, 0)
}

function nestedText(
  cursor: RowCursor,
  layout: TensorLayout,
  dimensions: readonly number[],
  depth: number,
): string {
  if (depth === dimensions.length) return scalarText(cursor, layout)
  const length = dimensions[depth] as number
  let text = '['
  for (let index = 0; index < length; index++) {
    if (index > 0) text += ','
    text += nestedText(cursor, layout, dimensions, depth + 1)
  }
  return `${text}]`
}

function scalarText(cursor: RowCursor, { element }: TensorLayout): string {
  if (element === undefined) return JSON.stringify(cursor.text())
  const text = element.json(cursor.view, cursor.at)
  cursor.at += element.bytes
  return text
}
