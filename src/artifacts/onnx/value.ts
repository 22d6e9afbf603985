import type { ByteSource } from '../byte-source.ts'
import { Unreadable } from '../unreadable.ts'
import { type Span, type WireField, wireFields, wireText } from '../wire.ts'

/** A graph input or output. `shape` counts the batch; null: free. */
export interface OnnxValue {
  readonly name: string
  /** `float32`, `int64`, …; `sequence`, `map` and the like where it is no tensor. */
  readonly dtype: string
  readonly shape: (number | null)[] | null
}

const MAX_DIMENSIONS = 64

/** TensorProto.DataType of onnx.proto3: name and bits of one number. */
export const onnxTypes: readonly (readonly [string, number])[] = [
  ['undefined', 0],
  ['float32', 32],
  ['uint8', 8],
  ['int8', 8],
  ['uint16', 16],
  ['int16', 16],
  ['int32', 32],
  ['int64', 64],
  ['string', 0],
  ['bool', 8],
  ['float16', 16],
  ['float64', 64],
  ['uint32', 32],
  ['uint64', 64],
  ['complex64', 64],
  ['complex128', 128],
  ['bfloat16', 16],
  ['float8e4m3fn', 8],
  ['float8e4m3fnuz', 8],
  ['float8e5m2', 8],
  ['float8e5m2fnuz', 8],
  ['uint4', 4],
  ['int4', 4],
  ['float4e2m1', 4],
  ['float8e8m0', 8],
  ['uint2', 2],
  ['int2', 2],
]

const OTHER_TYPES: Record<number, string> = { 4: 'sequence', 5: 'map', 8: 'sparse tensor', 9: 'optional' }

/** ValueInfoProto: 1 name, 2 type. TypeProto: 1 tensor, 4 sequence, 5 map, 8 sparse tensor, 9 optional. */
export function readOnnxValue(source: ByteSource, message: Span): OnnxValue {
  let name = ''
  let kind: Pick<OnnxValue, 'dtype' | 'shape'> = { dtype: 'undefined', shape: null }
  for (const field of wireFields(source, message)) {
    if (field.type !== 'bytes') continue
    if (field.field === 1) name = wireText(source, field)
    if (field.field === 2) for (const part of wireFields(source, field)) kind = readType(source, part) ?? kind
  }
  return { name, ...kind }
}

function readType(source: ByteSource, part: WireField): Pick<OnnxValue, 'dtype' | 'shape'> | undefined {
  if (part.type !== 'bytes') return undefined
  const other = OTHER_TYPES[part.field]
  if (other !== undefined) return { dtype: other, shape: null }
  if (part.field !== 1) return undefined
  let dtype = 'undefined'
  let shape: (number | null)[] | null = null
  for (const field of wireFields(source, part)) {
    if (field.field === 1 && field.type === 'varint')
      dtype = onnxTypes[field.value]?.[0] ?? `type ${field.value}`
    if (field.field === 2 && field.type === 'bytes') shape = readShape(source, field)
  }
  return { dtype, shape }
}

/** TensorShapeProto: 1 dimensions, each with 1 its size or 2 its name. */
function readShape(source: ByteSource, message: Span): (number | null)[] {
  const shape: (number | null)[] = []
  for (const dimension of wireFields(source, message)) {
    if (dimension.field !== 1 || dimension.type !== 'bytes') continue
    if (shape.length === MAX_DIMENSIONS)
      throw new Unreadable(dimension.start, `at most ${MAX_DIMENSIONS} dimensions`, 'more')
    let size: number | null = null
    for (const field of wireFields(source, dimension))
      if (
        field.field === 1 &&
        field.type === 'varint' &&
        Number.isSafeInteger(field.value) &&
        field.value > 0
      )
        size = field.value
    shape.push(size)
  }
  return shape
}
