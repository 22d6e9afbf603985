import { type EmbedAnswer, type EmbedRequest, NO_USAGE, type TokenUsage } from '../../contracts/index.ts'
import { type DialectName, UnsupportedFeature, UpstreamBroken } from '../dialect.ts'
import { brokenProblem } from '../problem.ts'

/** The inputs, for a provider that has no way to take token ids. Throws `UnsupportedFeature`. */
export function textInputs({ inputs }: EmbedRequest, dialect: DialectName): string[] {
  return inputs.map((one) => {
    if (typeof one !== 'string')
      throw new UnsupportedFeature('inputs', dialect, `${dialect} embeds texts, and takes no token ids`)
    return one
  })
}

/**
 * Vectors as they were asked for, where the provider tells numbers only: base64 is their float32 values, little-endian.
 * Throws `UpstreamBroken` where there is not one vector for each input.
 */
export function vectorsFor(
  told: readonly unknown[],
  { encoding, inputs }: EmbedRequest,
): EmbedAnswer['vectors'] {
  if (told.length !== inputs.length)
    throw broken(`its answer has ${told.length} embeddings for ${inputs.length} inputs`)
  return told.map((one, place) => {
    if (!isVector(one)) throw broken(`entry ${place} of its answer has no embedding`)
    return encoding === 'base64' ? base64Of(one) : one
  })
}

/** What embedding used: nothing is put out. */
export function embedUsage(input: number | null): TokenUsage {
  return input === null ? NO_USAGE : { ...NO_USAGE, input, output: 0 }
}

function isVector(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'number')
}

function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(4 * vector.length)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, 4 * index)
  return bytes.toString('base64')
}

function broken(detail: string): UpstreamBroken {
  return new UpstreamBroken(brokenProblem(detail))
}
