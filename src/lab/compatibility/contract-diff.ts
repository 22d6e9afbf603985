import type { ModelContract, TensorSpec } from '../../contracts/index.ts'

export interface ContractDiff {
  /** What breaks a client or the engine, as clauses. */
  readonly breaking: string[]
  /** What is new or wider, as clauses. */
  readonly compatible: string[]
}

/** What a client of `before` meets when it is answered by `after`. */
export function contractDiff(before: ModelContract, after: ModelContract): ContractDiff {
  const breaking: string[] = []
  const compatible: string[] = []
  for (const { name } of after.inputs)
    if (find(before.inputs, name) === undefined)
      breaking.push(`input "${name}" is new, and no client sends it`)
  for (const input of before.inputs) {
    const now = find(after.inputs, input.name)
    if (now === undefined) breaking.push(`input "${input.name}" is gone`)
    else if (now.dtype !== input.dtype || !accepts(now.shape, input.shape))
      breaking.push(`input "${input.name}" is ${shown(now)} where it was ${shown(input)}`)
    else if (shown(now) !== shown(input))
      compatible.push(`input "${input.name}" is ${shown(now)}, wider than ${shown(input)}`)
  }
  for (const output of before.outputs) {
    const now = find(after.outputs, output.name)
    if (now === undefined) breaking.push(`output "${output.name}" is gone`)
    else if (now.dtype !== output.dtype || !accepts(output.shape, now.shape))
      breaking.push(`output "${output.name}" is ${shown(now)} where it was ${shown(output)}`)
  }
  for (const { name } of after.outputs)
    if (find(before.outputs, name) === undefined) compatible.push(`output "${name}" is new`)
  return { breaking, compatible }
}

/** Does a place that takes `wide` take `narrow` too? null is any size. */
export function accepts(wide: readonly (number | null)[], narrow: readonly (number | null)[]): boolean {
  return wide.length === narrow.length && wide.every((size, index) => size === null || size === narrow[index])
}

export function shown({ dtype, shape }: { dtype: string; shape: readonly (number | null)[] | null }): string {
  return shape === null ? dtype : `${dtype}[${shape.map((size) => size ?? '?').join(', ')}]`
}

function find(specs: readonly TensorSpec[], name: string): TensorSpec | undefined {
  return specs.find((spec) => spec.name === name)
}
