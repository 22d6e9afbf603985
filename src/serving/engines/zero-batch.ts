import type { DType, TensorSpec } from '../../contracts/index.ts'
import type { Tensor, TensorBatch } from '../../link/index.ts'

/** Zeros, empty strings; free dimensions are 1. */
export function zeroBatch(inputs: readonly TensorSpec[], rows: number): TensorBatch {
  const tensors: Record<string, Tensor> = {}
  for (const { name, dtype, shape } of inputs) {
    const dimensions = [rows, ...shape.map((size) => size ?? 1)]
    const length = dimensions.reduce((product, size) => product * size, 1)
    tensors[name] = { dtype, shape: dimensions, data: zeros(dtype, length) }
  }
  return { rows, tensors }
}

function zeros(dtype: DType, length: number): Tensor['data'] {
  switch (dtype) {
    case 'float32':
      return new Float32Array(length)
    case 'float64':
      return new Float64Array(length)
    case 'int32':
      return new Int32Array(length)
    case 'int64':
      return new BigInt64Array(length)
    case 'bool':
      return new Uint8Array(length)
    case 'string':
      return new Array<string>(length).fill('')
  }
}
