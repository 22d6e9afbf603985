import type { DType } from '../../contracts/index.ts'
import type { TensorData } from './tensor.ts'

/** How one element of a fixed-size type is checked, written and read. */
export interface ElementType {
  readonly bytes: number
  /** Says what an element must be, in words that follow "must be". */
  readonly wanted: string
  accepts(value: unknown): boolean
  /** `value` was accepted. */
  put(view: DataView, at: number, value: unknown): void
  /** Puts an element of a tensor. */
  putData(view: DataView, at: number, data: TensorData, index: number): void
  /** A value for JSON: int64 beyond the safe integers as a decimal string, NaN and infinities as null. */
  get(view: DataView, at: number): unknown
  /** The same as JSON text. */
  json(view: DataView, at: number): string
  /** Over the start of `memory`, which is large enough; else zero-filled, over a buffer of its own. */
  allocate(elements: number, memory?: ArrayBuffer): Exclude<TensorData, string[]>
  /** False for bytes that no accepted value gives: NaN, infinities, a bool of 2. */
  isSound(view: DataView, at: number): boolean
}

const FLOAT32_MAX = 3.4028234663852886e38
const INT32_MIN = -2147483648
const INT32_MAX = 2147483647
const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

const float32: ElementType = {
  bytes: 4,
  wanted: 'a finite number that a float32 can hold',
  // Also false for NaN and the infinities.
  accepts: (value) => typeof value === 'number' && Math.abs(value) <= FLOAT32_MAX,
  put: (view, at, value) => view.setFloat32(at, value as number, true),
  putData: (view, at, data, index) => view.setFloat32(at, data[index] as number, true),
  get: (view, at) => finite(view.getFloat32(at, true)),
  json: (view, at) => numberText(view.getFloat32(at, true)),
  allocate: (elements, memory) =>
    memory === undefined ? new Float32Array(elements) : new Float32Array(memory, 0, elements),
  isSound: (view, at) => Number.isFinite(view.getFloat32(at, true)),
}

const float64: ElementType = {
  bytes: 8,
  wanted: 'a finite number',
  accepts: (value) => typeof value === 'number' && Number.isFinite(value),
  put: (view, at, value) => view.setFloat64(at, value as number, true),
  putData: (view, at, data, index) => view.setFloat64(at, data[index] as number, true),
  get: (view, at) => finite(view.getFloat64(at, true)),
  json: (view, at) => numberText(view.getFloat64(at, true)),
  allocate: (elements, memory) =>
    memory === undefined ? new Float64Array(elements) : new Float64Array(memory, 0, elements),
  isSound: (view, at) => Number.isFinite(view.getFloat64(at, true)),
}

const int32: ElementType = {
  bytes: 4,
  wanted: 'an integer of 32 bits',
  accepts: (value) =>
    Number.isInteger(value) && (value as number) >= INT32_MIN && (value as number) <= INT32_MAX,
  put: (view, at, value) => view.setInt32(at, value as number, true),
  putData: (view, at, data, index) => view.setInt32(at, data[index] as number, true),
  get: (view, at) => view.getInt32(at, true),
  json: (view, at) => String(view.getInt32(at, true)),
  allocate: (elements, memory) =>
    memory === undefined ? new Int32Array(elements) : new Int32Array(memory, 0, elements),
  isSound: () => true,
}

const int64: ElementType = {
  bytes: 8,
  wanted: 'an integer of 64 bits (beyond ±9007199254740991 as a decimal string)',
  accepts: (value) => Number.isSafeInteger(value) || (typeof value === 'string' && isInt64(value)),
  put: (view, at, value) => view.setBigInt64(at, BigInt(value as number | string), true),
  putData: (view, at, data, index) => view.setBigInt64(at, data[index] as bigint, true),
  get: (view, at) => {
    const value = view.getBigInt64(at, true)
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value.toString()
  },
  json: (view, at) => {
    const value = view.getBigInt64(at, true)
    return Number.isSafeInteger(Number(value)) ? value.toString() : `"${value}"`
  },
  allocate: (elements, memory) =>
    memory === undefined ? new BigInt64Array(elements) : new BigInt64Array(memory, 0, elements),
  isSound: () => true,
}

const bool: ElementType = {
  bytes: 1,
  wanted: 'true or false',
  accepts: (value) => typeof value === 'boolean',
  put: (view, at, value) => view.setUint8(at, value === true ? 1 : 0),
  putData: (view, at, data, index) => view.setUint8(at, data[index] === 0 ? 0 : 1),
  get: (view, at) => view.getUint8(at) !== 0,
  json: (view, at) => (view.getUint8(at) === 0 ? 'false' : 'true'),
  allocate: (elements, memory) =>
    memory === undefined ? new Uint8Array(elements) : new Uint8Array(memory, 0, elements),
  isSound: (view, at) => view.getUint8(at) <= 1,
}

export const elementTypes: Readonly<Record<Exclude<DType, 'string'>, ElementType>> = {
  float32,
  float64,
  int32,
  int64,
  bool,
}

function isInt64(text: string): boolean {
  if (!/^-?\d{1,19}$/.test(text)) return false
  const value = BigInt(text)
  return value >= INT64_MIN && value <= INT64_MAX
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : 'null'
}
