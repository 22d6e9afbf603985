import type { ModelContract } from '../../contracts/index.ts'
import type { Random } from '../../kernel/index.ts'

export const noiseKinds = ['typos', 'case', 'whitespace', 'dropped word', 'doubled word'] as const
export type NoiseKind = (typeof noiseKinds)[number]

type Row = Record<string, unknown>

/** Can the rows of this contract be disturbed in a way that should not change the answer? */
export function isPerturbable(contract: ModelContract): boolean {
  return contract.inputs.some(({ dtype }) => dtype === 'string' || dtype.startsWith('float'))
}

/**
 * A row as a hurried person or a slightly other sensor would have sent it. Texts get noise of the kind named; floats
 * move by 1 % of their size; whole numbers and booleans name things, so they stay.
 */
export function perturbed(row: Row, contract: ModelContract, kind: NoiseKind, random: Random): Row {
  const result: Row = {}
  for (const [name, value] of Object.entries(row)) {
    const spec = contract.inputs.find((input) => input.name === name) ?? contract.inputs[0]!
    result[name] = disturbed(value, spec.dtype, kind, random)
  }
  return result
}

function disturbed(value: unknown, dtype: string, kind: NoiseKind, random: Random): unknown {
  if (Array.isArray(value)) return value.map((item) => disturbed(item, dtype, kind, random))
  if (typeof value === 'string' && dtype === 'string') return noisyText(value, kind, random)
  if (typeof value === 'number' && dtype.startsWith('float')) return value * (1 + 0.02 * (random() - 0.5))
  return value
}

/** One place in `PER_WORDS` words is disturbed, at least one. */
const PER_WORDS = 30

export function noisyText(text: string, kind: NoiseKind, random: Random): string {
  // Words and what stands between them, in turn, so that nothing else of the text changes.
  const parts = text.split(/(\s+)/)
  const words = parts.flatMap((part, index) => (index % 2 === 0 && part !== '' ? [index] : []))
  if (words.length === 0) return text
  const places = Math.max(1, Math.round(words.length / PER_WORDS))
  for (let place = 0; place < places; place++) {
    const index = words[Math.floor(random() * words.length)]!
    parts[index] = noisyWord(parts[index]!, kind, random)
  }
  return parts.join('')
}

function noisyWord(word: string, kind: NoiseKind, random: Random): string {
  switch (kind) {
    case 'typos':
      return swapNeighbours(word, random)
    case 'case':
      return word === word.toUpperCase() ? word.toLowerCase() : word.toUpperCase()
    case 'whitespace':
      return random() < 0.5 ? `${word} ` : `${word}\n`
    case 'dropped word':
      return ''
    case 'doubled word':
      return `${word} ${word}`
  }
}

function swapNeighbours(word: string, random: Random): string {
  const letters = Array.from(word)
  if (letters.length < 2) return word + word
  const at = Math.floor(random() * (letters.length - 1))
  const moved = letters[at]!
  letters[at] = letters[at + 1]!
  letters[at + 1] = moved
  return letters.join('')
}
