import type { ByteSource } from './byte-source.ts'
import { Unreadable } from './unreadable.ts'

/** Where a message lies in its file. */
export interface Span {
  readonly start: number
  readonly end: number
}

export type WireField =
  | { readonly field: number; readonly type: 'varint'; readonly value: number; readonly at: number }
  | ({ readonly field: number; readonly type: 'bytes' } & Span)
  | ({ readonly field: number; readonly type: 'fixed' } & Span)

const MOST_NAME_BYTES = 4096

/**
 * The fields of one protocol buffer message, in order (wire types 0, 1, 2 and 5 of the encoding specification).
 * Contents are not read, only located. Each step takes at least one byte, so it ends on any input. Varints beyond 2⁵³
 * lose their low bits; the negative ones of dimensions come out as large numbers, which no caller accepts.
 */
export function* wireFields(source: ByteSource, { start, end }: Span): Generator<WireField> {
  let at = start
  const varint = (): number => {
    const from = at
    let value = 0
    for (let index = 0; index < 10; index++) {
      if (at >= end) throw new Unreadable(at, 'the rest of a number', 'the end of its message')
      const byte = source.byte(at++)
      value += (byte & 127) * 2 ** (7 * index)
      if (byte < 128) return value
    }
    throw new Unreadable(from, 'a number of at most ten bytes', 'a longer one')
  }
  while (at < end) {
    const from = at
    const tag = varint()
    const field = Math.floor(tag / 8)
    if (field === 0) throw new Unreadable(from, 'a field', 'one with the number 0')
    const type = tag % 8
    if (type === 0) {
      yield { field, type: 'varint', value: varint(), at: from }
      continue
    }
    if (type !== 1 && type !== 2 && type !== 5)
      throw new Unreadable(from, 'a field', `one of the unknown wire type ${type}`)
    const length = type === 1 ? 8 : type === 5 ? 4 : varint()
    if (length > end - at)
      throw new Unreadable(at, `a field of ${length} bytes`, `the end of its message after ${end - at}`)
    yield { field, type: type === 2 ? 'bytes' : 'fixed', start: at, end: at + length }
    at += length
  }
}

/** Whole numbers of a repeated field, packed or not. */
export function packedVarints(source: ByteSource, field: WireField, most: number): number[] {
  if (field.type === 'varint') return [field.value]
  if (field.type !== 'bytes') return []
  const values: number[] = []
  let value = 0
  let shift = 0
  for (let at = field.start; at < field.end; at++) {
    const byte = source.byte(at)
    value += (byte & 127) * 2 ** shift
    if (byte < 128) {
      if (values.length === most) throw new Unreadable(at, `at most ${most} numbers`, 'more')
      values.push(value)
      value = 0
      shift = 0
    } else shift += 7
    if (shift > 63) throw new Unreadable(at, 'a number of at most ten bytes', 'a longer one')
  }
  return values
}

export function wireText(source: ByteSource, { start, end }: Span): string {
  if (end - start > MOST_NAME_BYTES)
    throw new Unreadable(start, `a name of at most ${MOST_NAME_BYTES} bytes`, `one of ${end - start}`)
  return source
    .bytes(start, end - start)
    .toString('utf8')
    .toWellFormed()
}
