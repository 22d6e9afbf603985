import type { Model } from '../../contracts/index.ts'

/** The class that a row of outputs names, or undefined when it names none. */
export type AnswerOf = (outputs: Record<string, unknown>) => string | undefined

/**
 * How answers of a model are compared with labels: the output called `label`, else the first that is not a float, else
 * the first; a whole number is looked up in the model's classes, a vector of scores stands for its largest.
 */
export function answerOf(model: Pick<Model, 'contract' | 'classes'>): AnswerOf {
  const { outputs } = model.contract
  const output =
    outputs.find(({ name }) => name === 'label') ??
    outputs.find(({ dtype }) => dtype !== 'float32' && dtype !== 'float64') ??
    outputs[0]!
  const classes = model.classes
  return (row) => {
    let value = row[output.name]
    if (Array.isArray(value)) value = value.length === 1 ? value[0] : largestIndex(value)
    if (value === undefined || value === null || typeof value === 'object') return undefined
    if (classes === undefined || typeof value === 'boolean') return String(value)
    const index = Number(value)
    return Number.isInteger(index) ? classes[index] : String(value)
  }
}

function largestIndex(scores: readonly unknown[]): number | undefined {
  let best: number | undefined
  for (const [index, score] of scores.entries()) {
    if (typeof score !== 'number') return undefined
    if (best === undefined || score > (scores[best] as number)) best = index
  }
  return best
}
