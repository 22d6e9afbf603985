/** What an image or document may stand for, as characters of text: about 2000 tokens. */
const MEDIA_CHARACTERS = 8000

const BYTES: ReadonlySet<string> = new Set([
  'data',
  'file_data',
  'image_url',
  'encrypted_content',
  'signature',
])
const MIN_BYTES = 512

/**
 * Characters that a model will read, of a body that may still be anything. Bytes in base64 are no text: they count as
 * one medium each. Depth is bounded by what parses a body.
 */
export function charactersIn(value: unknown, name = ''): number {
  if (typeof value === 'string')
    return BYTES.has(name) && value.length > MIN_BYTES && !/\s/.test(value.slice(0, MIN_BYTES))
      ? Math.min(value.length, MEDIA_CHARACTERS)
      : value.length
  if (typeof value !== 'object' || value === null) return 0
  let characters = 0
  if (Array.isArray(value)) for (const one of value) characters += charactersIn(one, name)
  else for (const [key, one] of Object.entries(value)) characters += key.length + charactersIn(one, key)
  return characters
}
