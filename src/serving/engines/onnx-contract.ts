import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { type DType, dtype, type TensorSpec } from '../../contracts/index.ts'

type Metadata = readonly InferenceSession.ValueMetadata[]

export const feedTypes: Readonly<Record<DType, OrtTensor.Type>> = {
  float32: 'float32',
  float64: 'float64',
  int32: 'int32',
  int64: 'int64',
  bool: 'bool',
  string: 'string',
}

/** A tensor as a graph declares it. Not every exporter says how many dimensions an output has. */
export interface GraphTensor extends TensorSpec {
  readonly isShapeKnown: boolean
}

/** What a graph says of itself, with the batch dimension left out; symbolic dimensions are free. */
export function specsOf(metadata: Metadata): GraphTensor[] {
  return metadata.map((value) => {
    // Sequences and maps: no contract can name them, so none is fit for them.
    if (!value.isTensor)
      return { name: value.name, dtype: 'sequence' as DType, shape: [], isShapeKnown: false }
    const known = dtype.safeParse(value.type)
    return {
      name: value.name,
      // A type that no contract can name matches none.
      dtype: known.success ? known.data : (value.type as DType),
      isShapeKnown: value.shape.length > 0,
      shape: value.shape.slice(1).map((size) => (typeof size === 'number' && size > 0 ? size : null)),
    }
  })
}

/** Rows that the graph was exported for, where its batch dimension is a number. */
export function fixedRows(inputs: Metadata): number | null {
  for (const value of inputs) {
    if (value.isTensor && typeof value.shape[0] === 'number' && value.shape[0] > 0) return value.shape[0]
  }
  return null
}

/** Why a graph cannot serve a contract, or undefined. `feeds` is null where a preprocess module makes them. */
export function mismatchOfSides(
  graphInputs: readonly GraphTensor[],
  graphOutputs: readonly GraphTensor[],
  feeds: readonly TensorSpec[] | null,
  outputs: readonly TensorSpec[],
): string | undefined {
  for (const input of feeds === null ? [] : graphInputs) {
    const fed = feeds?.find(({ name }) => name === input.name)
    if (fed === undefined) return `the graph's input "${input.name}" is not in the contract`
    const reason = mismatchOf('input', fed, input)
    if (reason !== undefined) return reason
  }
  for (const { name } of feeds ?? []) {
    if (!graphInputs.some((input) => input.name === name)) return `the graph has no input "${name}"`
  }
  for (const output of outputs) {
    const given = graphOutputs.find(({ name }) => name === output.name)
    if (given === undefined) return `the graph has no output "${output.name}"`
    const reason = mismatchOf('output', output, given)
    if (reason !== undefined) return reason
  }
  return undefined
}

function mismatchOf(side: string, wanted: TensorSpec, graph: GraphTensor): string | undefined {
  const is = `${graph.dtype}[${graph.shape.map((size) => size ?? '?')}]`
  const contract = `${wanted.dtype}[${wanted.shape.map((size) => size ?? '?')}]`
  const isSame =
    wanted.dtype === graph.dtype &&
    (!graph.isShapeKnown ||
      (wanted.shape.length === graph.shape.length &&
        wanted.shape.every(
          (size, index) => size === null || graph.shape[index] === null || size === graph.shape[index],
        )))
  return isSame ? undefined : `${side} "${wanted.name}" is ${is} in the graph and ${contract} in the contract`
}
