import type { ByteSource } from '../byte-source.ts'
import { Cursor } from '../cursor.ts'
import { shownBytes, Unreadable } from '../unreadable.ts'
import { tensorTypes } from './tensor-types.ts'

export type GgufScalar = number | string | boolean
export interface GgufArray {
  /** Number of its elements' type. */
  readonly type: number
  readonly length: number
  /** The first ones only. */
  readonly first: readonly GgufScalar[]
  /** Where its first element begins. */
  readonly at: number
}
export type GgufValue = GgufScalar | GgufArray

export interface GgufTensor {
  readonly name: string
  /** Fastest dimension first, as ggml writes it. */
  readonly shape: readonly number[]
  readonly type: string
  readonly elements: number
  readonly bytes: number
}

/** What a GGUF file says before its weights begin. */
export interface GgufHeader {
  readonly version: number
  readonly values: ReadonlyMap<string, GgufValue>
  readonly tensors: readonly GgufTensor[]
}

const MOST_VALUES = 65_536
const MOST_TENSORS = 200_000
const MOST_KEY_BYTES = 65_535
const MOST_TEXT_BYTES = 4 * 2 ** 20
const MOST_ELEMENTS = 16_000_000
const KEPT_ELEMENTS = 1024
const MOST_DIMENSIONS = 8
const STRING = 8
const ARRAY = 9
/** Bytes of a scalar by type number; strings and arrays have none. */
const SCALAR_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
}

/** Versions 2 and 3 of the GGUF specification (ggml-org/ggml, docs/gguf.md). Throws `Unreadable`. */
export function ggufHeader(source: ByteSource): GgufHeader {
  const cursor = new Cursor(source)
  const magic = cursor.bytes(4, 'the magic "GGUF"')
  if (magic.toString('latin1') !== 'GGUF') throw new Unreadable(0, 'the magic "GGUF"', shownBytes(magic))
  const version = cursor.u32('a version')
  if (version !== 2 && version !== 3) throw new Unreadable(4, 'version 2 or 3', versionText(version))
  const tensorCount = cursor.u64('the number of tensors')
  if (tensorCount > MOST_TENSORS) throw new Unreadable(8, `at most ${MOST_TENSORS} tensors`, `${tensorCount}`)
  const valueCount = cursor.u64('the number of values')
  if (valueCount > MOST_VALUES) throw new Unreadable(16, `at most ${MOST_VALUES} values`, `${valueCount}`)
  const values = new Map<string, GgufValue>()
  for (let index = 0; index < valueCount; index++) {
    const key = textOf(cursor, 'a key', MOST_KEY_BYTES)
    values.set(key, ggufValue(cursor, cursor.u32(`the type of "${key}"`), key))
  }
  const tensors: GgufTensor[] = []
  let extentBytes = 0
  for (let index = 0; index < tensorCount; index++) {
    const { offset, ...tensor } = tensorOf(cursor)
    extentBytes = Math.max(extentBytes, offset + tensor.bytes)
    tensors.push(tensor)
  }
  const alignment = values.get('general.alignment')
  const step = typeof alignment === 'number' && alignment > 0 ? alignment : 32
  const start = Math.ceil(cursor.at / step) * step
  if (start + extentBytes > source.sizeBytes)
    throw new Unreadable(source.sizeBytes, `weights up to byte ${start + extentBytes}`, 'the end of the file')
  return { version, values, tensors }
}

/** Elements of an array of texts by index; those that are not there are left out. */
export function textsAt(
  source: ByteSource,
  array: GgufArray,
  wanted: ReadonlySet<number>,
): Map<number, string> {
  const found = new Map<number, string>()
  if (array.type !== STRING) return found
  const cursor = new Cursor(source, array.at)
  for (let index = 0; index < array.length && found.size < wanted.size; index++) {
    const length = cursor.u64('the length of a text')
    if (wanted.has(index)) found.set(index, cursor.text(length, 'a text', MOST_TEXT_BYTES))
    else cursor.skip(length, 'a text')
  }
  return found
}

function tensorOf(cursor: Cursor): GgufTensor & { offset: number } {
  const name = textOf(cursor, 'the name of a tensor', MOST_KEY_BYTES)
  const dimensions = cursor.u32(`the dimensions of "${name}"`)
  if (dimensions > MOST_DIMENSIONS)
    throw new Unreadable(cursor.at - 4, `at most ${MOST_DIMENSIONS} dimensions of "${name}"`, `${dimensions}`)
  const shape: number[] = []
  for (let index = 0; index < dimensions; index++) shape.push(cursor.u64(`a size of "${name}"`))
  const number = cursor.u32(`the type of "${name}"`)
  const type = tensorTypes[number]
  if (type === undefined) throw new Unreadable(cursor.at - 4, `a known type of "${name}"`, `type ${number}`)
  const elements = shape.reduce((product, size) => product * size, 1)
  const bytes = (elements / type[1]) * type[2]
  if (!Number.isSafeInteger(elements) || !Number.isSafeInteger(bytes))
    throw new Unreadable(cursor.at - 4, `whole blocks of ${type[1]} in "${name}"`, `${elements} weights`)
  const offset = cursor.u64(`the offset of "${name}"`)
  return { name, shape, type: type[0], elements, bytes, offset }
}

function ggufValue(cursor: Cursor, type: number, key: string): GgufValue {
  if (type !== ARRAY) return scalarOf(cursor, type, key)
  const inner = cursor.u32(`the type of the elements of "${key}"`)
  const length = cursor.u64(`the length of "${key}"`)
  const at = cursor.at
  if (length > MOST_ELEMENTS)
    throw new Unreadable(at - 8, `at most ${MOST_ELEMENTS} elements of "${key}"`, `${length}`)
  const first: GgufScalar[] = []
  for (let index = 0; index < Math.min(length, KEPT_ELEMENTS); index++)
    first.push(scalarOf(cursor, inner, key))
  const rest = length - first.length
  const size = SCALAR_BYTES[inner]
  if (size !== undefined) cursor.skip(rest * size, `the elements of "${key}"`)
  else for (let index = 0; index < rest; index++) cursor.skip(cursor.u64('the length of a text'), 'a text')
  return { type: inner, length, first, at }
}

function scalarOf(cursor: Cursor, type: number, key: string): GgufScalar {
  if (type === STRING) return textOf(cursor, `"${key}"`, MOST_TEXT_BYTES)
  const size = SCALAR_BYTES[type]
  if (size === undefined)
    throw new Unreadable(
      cursor.at - 4,
      `the type of "${key}", 0 to 12`,
      type === ARRAY ? 'an array in an array' : `${type}`,
    )
  const bytes = cursor.bytes(size, `"${key}"`)
  switch (type) {
    case 0:
      return bytes.readUInt8()
    case 1:
      return bytes.readInt8()
    case 2:
      return bytes.readUInt16LE()
    case 3:
      return bytes.readInt16LE()
    case 4:
      return bytes.readUInt32LE()
    case 5:
      return bytes.readInt32LE()
    case 6:
      return bytes.readFloatLE()
    case 7:
      return bytes.readUInt8() !== 0
    case 10:
      return Number(bytes.readBigUInt64LE())
    case 11:
      return Number(bytes.readBigInt64LE())
    default:
      return bytes.readDoubleLE()
  }
}

function textOf(cursor: Cursor, what: string, mostBytes: number): string {
  return cursor.text(cursor.u64(`the length of ${what}`), what, mostBytes)
}

function versionText(version: number): string {
  if (version === 1) return 'version 1, which was given up in August 2023'
  // Version 3 may be big-endian; then its number is read with its bytes reversed.
  return version % 65_536 === 0 && version > 0 ? 'a big-endian file' : `version ${version}`
}
