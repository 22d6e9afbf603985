import type { TensorSpec } from '../../contracts/index.ts'
import type { TensorBatch } from './tensors.ts'

/**
 * Rows as bytes. A body is its rows one after another; a row is its tensors in contract order; a tensor is one u32 for
 * each free dimension (contract `null`), then its elements, row-major and little-endian: float32, float64, int32, int64
 * as they are, bool as a byte 0 or 1, a string as a u32 byte length and UTF-8. No padding.
 */
export interface RowCodec {
  readonly tensors: readonly TensorSpec[]
  /** Bytes of a row when all its tensors have a fixed size, else null. */
  readonly rowBytes: number | null
  /**
   * JSON rows (objects keyed by tensor name) to bytes. Throws `rows_invalid` with `{row, field, reason, model}` and the
   * pointer `/inputs/<row>/<field>[/<index>…]` for a missing or unknown field, a wrong type or shape, a number that the
   * type cannot hold, and rows of one request that differ in their free dimensions.
   * int64: safe integers as numbers, any as decimal strings.
   */
  encodeJson(rows: readonly unknown[]): Buffer
  /** Raw rows from outside: checks the length and that all floats are finite; gives the count. Throws `rows_invalid`. */
  checkRaw(body: Uint8Array): number
  /** Bytes to tensors. Throws `LinkProtocolError` when the body is not `rows` rows of equal shape. */
  decode(body: Uint8Array, rows: number): TensorBatch
  /** Tensors to bytes; throws `TypeError` when they are not as specified (a bug, or a model that breaks its contract). */
  encode(batch: TensorBatch): Buffer
  /** Bytes to row objects; int64 beyond the safe integers as decimal strings, NaN and infinities as null. */
  toObjects(body: Uint8Array, rows: number): Record<string, unknown>[]
  /** The same as JSON text of the array, without the objects in between. */
  toJson(body: Uint8Array, rows: number): string
  /** Equal for bodies whose rows may share one tensor: the free dimensions, '' when there are none. */
  shapeKey(body: Uint8Array): string
}

/** `tensors` is one side of a contract; `model` names it in errors. */
export declare function compileRows(tensors: readonly TensorSpec[], model: string): RowCodec
