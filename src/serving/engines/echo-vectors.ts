import type { EmbedAnswer, EmbedRequest } from '../../contracts/index.ts'
import { seededRandom } from '../../kernel/index.ts'

/** Vectors of length one made from the words alone: texts that share words point the same way. */
export function vectorsOf(request: EmbedRequest, size: number): EmbedAnswer['vectors'] {
  const { dimensions = size, encoding, inputs } = request
  return inputs.map((input) => {
    const words = typeof input === 'string' ? (input.match(/\S+/g) ?? []) : input.map(String)
    const vector = new Float32Array(dimensions)
    for (const word of words) {
      const random = seededRandom(hashOf(word))
      for (let index = 0; index < dimensions; index++)
        vector[index] = (vector[index] as number) + random() - 0.5
    }
    const length = Math.hypot(...vector) || 1
    for (let index = 0; index < dimensions; index++) vector[index] = (vector[index] as number) / length
    return encoding === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector]
  })
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}
