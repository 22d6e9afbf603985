import type { Random } from '../../kernel/index.ts'
import type { Ask } from '../target/target.ts'

export interface SizeClass {
  readonly name: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly weight: number
}

const SIZES = { short: [128, 64], medium: [512, 256], long: [2048, 512] } as const
type Size = keyof typeof SIZES

/** Short, medium and long prompts by short, medium and long answers. */
export const sizeMatrix: readonly SizeClass[] = (Object.keys(SIZES) as Size[]).flatMap((input) =>
  (Object.keys(SIZES) as Size[]).map((output) => ({
    name: `${input}/${output}`,
    inputTokens: SIZES[input][0],
    outputTokens: SIZES[output][1],
    weight: 1,
  })),
)

/** Draws a class by weight. */
export function drawClass(classes: readonly SizeClass[], random: Random): SizeClass {
  let left = random() * classes.reduce((sum, { weight }) => sum + weight, 0)
  for (const each of classes) {
    left -= each.weight
    if (left < 0) return each
  }
  return classes.at(-1)!
}

/**
 * A request of about so many tokens: words that common tokenizers keep whole, the first few drawn so that no prompt
 * shares a cached prefix with another. How many tokens it was is told by the usage of the answer.
 */
export function askOf(size: SizeClass, random: Random): Ask {
  const words = Math.max(1, size.inputTokens)
  const text = Array.from({ length: words }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ')
  return { class: size.name, turns: [{ role: 'user', text }], outputTokens: Math.max(1, size.outputTokens) }
}

const WORDS =
  'time year people way day man thing woman life child world school state family student group country problem hand part place case week company system program question work government number night point home water room mother area money story fact month lot right study book eye job word business issue side kind head house service friend father power hour game line end member law car city community name president team minute idea body information back parent face others level office door health person art war history party result change morning reason research girl guy moment air teacher force education'.split(
    ' ',
  )
