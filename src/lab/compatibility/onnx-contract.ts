import type { OnnxHeader, OnnxValue } from '../../artifacts/index.ts'
import type { TensorSpec, VersionSpec } from '../../contracts/index.ts'
import { accepts, shown } from './contract-diff.ts'

/** Where the file does not do what the version's contract promises; empty when it does. */
export function contractFaults(
  header: Pick<OnnxHeader, 'inputs' | 'outputs'>,
  spec: Pick<VersionSpec, 'contract' | 'preprocess' | 'batching'>,
): string[] {
  // With a preprocess module its tensors feed the graph, so the contract's inputs say nothing about it.
  const inputFaults = spec.preprocess === undefined ? inputsAgainst(header.inputs, spec.contract.inputs) : []
  return [
    ...inputFaults,
    ...outputsAgainst(header.outputs, spec.contract.outputs),
    ...batchFaults(header, spec),
  ]
}

function inputsAgainst(graph: readonly OnnxValue[], promised: readonly TensorSpec[]): string[] {
  const faults = graph
    .filter(({ name }) => !promised.some((input) => input.name === name))
    .map(({ name }) => `the graph wants an input "${name}" that the contract does not have`)
  for (const input of promised) {
    const value = graph.find(({ name }) => name === input.name)
    if (value === undefined) faults.push(`the graph has no input "${input.name}"`)
    else if (!isSame(value, input, (row) => accepts(row, input.shape)))
      faults.push(
        `the graph's input "${input.name}" takes ${shown(value)} a batch, the contract says ${shown(input)} a row`,
      )
  }
  return faults
}

function outputsAgainst(graph: readonly OnnxValue[], promised: readonly TensorSpec[]): string[] {
  const faults: string[] = []
  for (const output of promised) {
    const value = graph.find(({ name }) => name === output.name)
    if (value === undefined) faults.push(`the graph has no output "${output.name}"`)
    else if (value.shape === null && value.dtype !== output.dtype)
      faults.push(`the graph's output "${output.name}" is a ${value.dtype}, not a tensor of ${output.dtype}`)
    // A dimension that the file leaves open may still be what the contract says; the probe tells.
    else if (!isSame(value, output, (row) => accepts(output.shape, row) || accepts(row, output.shape)))
      faults.push(
        `the graph's output "${output.name}" gives ${shown(value)} a batch, the contract says ${shown(output)} a row`,
      )
  }
  return faults
}

function isSame(value: OnnxValue, spec: TensorSpec, fits: (row: (number | null)[]) => boolean): boolean {
  if (value.dtype !== spec.dtype) return false
  // No shape at all is allowed by ONNX and means that only running it tells.
  return value.shape === null || (value.shape.length > 0 && fits(value.shape.slice(1)))
}

/** A first dimension of fixed size takes that many rows and no other number. */
function batchFaults(header: Pick<OnnxHeader, 'inputs'>, spec: Pick<VersionSpec, 'batching'>): string[] {
  return header.inputs
    .filter(({ shape }) => typeof shape?.[0] === 'number')
    .filter(({ shape }) => spec.batching.maxBatchSize !== 1 || shape?.[0] !== 1)
    .map(
      ({ name, shape }) =>
        `the graph's input "${name}" is fixed to ${shape?.[0]} rows, the version batches up to ${spec.batching.maxBatchSize}; export it with a free first dimension`,
    )
}
