import type { DType } from '../../contracts/index.ts'

/** Bool as 0/1 bytes, int64 as BigInt; strings as an array. */
export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array | string[]

/** `shape` starts with the batch dimension; `data` is row-major. */
export interface Tensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: TensorData
}

export interface TensorBatch {
  readonly rows: number
  readonly tensors: Readonly<Record<string, Tensor>>
}
