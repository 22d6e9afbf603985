import type { ByteSource } from '../byte-source.ts'
import { Cursor } from '../cursor.ts'
import { isObject, jsonObject, member } from '../json.ts'
import { shownBytes, Unreadable } from '../unreadable.ts'

export interface StoredTensor {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  readonly elements: number
  readonly bytes: number
}

export interface SafetensorsHeader {
  readonly tensors: readonly StoredTensor[]
  readonly metadata: Readonly<Record<string, string>>
}

/** The format allows 100 MB; the largest index of one shard seen is below 1 MB. */
const MOST_HEADER_BYTES = 64 * 2 ** 20
const MOST_TENSORS = 500_000
const MOST_DIMENSIONS = 16

/** Bits of one element, by the names of the format (huggingface/safetensors, `Dtype`). */
const BITS: Readonly<Record<string, number>> = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
}

/** Header of a safetensors file: a length of eight bytes, JSON, then the numbers, which must all be there. Throws `Unreadable`. */
export function safetensorsHeader(source: ByteSource): SafetensorsHeader {
  const cursor = new Cursor(source)
  const length = cursor.u64('the length of the header')
  if (length === 0 || length > source.sizeBytes - 8)
    throw new Unreadable(
      0,
      `a header of 1 to ${Math.max(0, source.sizeBytes - 8)} bytes`,
      `the length ${length}`,
    )
  const start = 8 + length
  const opening = source.bytes(8, 1)
  if (opening[0] !== 0x7b) throw new Unreadable(8, 'the opening "{" of the header', shownBytes(opening))
  const header = jsonObject(source, 8, start, MOST_HEADER_BYTES)
  const entries = Object.entries(header)
  if (entries.length > MOST_TENSORS)
    throw new Unreadable(8, `at most ${MOST_TENSORS} tensors`, `${entries.length}`)
  const tensors = entries
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => tensorOf(name, entry, source.sizeBytes - start))
  return { tensors, metadata: metadataOf(member(header, '__metadata__')) }
}

function tensorOf(name: string, entry: unknown, dataBytes: number): StoredTensor {
  const what = JSON.stringify(name.slice(0, 200))
  const dtype = member(entry, 'dtype')
  const bits = typeof dtype === 'string' && Object.hasOwn(BITS, dtype) ? BITS[dtype] : undefined
  if (typeof dtype !== 'string' || bits === undefined)
    throw new Unreadable(8, `a known dtype of ${what}`, shownJson(dtype))
  const shape = member(entry, 'shape')
  if (!Array.isArray(shape) || shape.length > MOST_DIMENSIONS || !shape.every(isSize))
    throw new Unreadable(8, `a shape of ${what}`, shownJson(shape))
  const offsets = member(entry, 'data_offsets')
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize))
    throw new Unreadable(8, `two data_offsets of ${what}`, shownJson(offsets))
  const elements = shape.reduce((product: number, size: number) => product * size, 1)
  const bytes = Math.ceil((elements * bits) / 8)
  const [from, to] = offsets as [number, number]
  if (to - from !== bytes)
    throw new Unreadable(8, `${bytes} bytes for ${dtype} ${JSON.stringify(shape)} of ${what}`, `${to - from}`)
  if (to > dataBytes)
    throw new Unreadable(8, `numbers of ${what} up to ${to}`, `the end of the file after ${dataBytes}`)
  return { name, dtype, shape, elements, bytes }
}

function metadataOf(value: unknown): Record<string, string> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value)
      .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
      .slice(0, 1000)
      .map(([key, text]) => [key.slice(0, 1000), text.slice(0, 4096)]),
  )
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function shownJson(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value).slice(0, 100)
}
