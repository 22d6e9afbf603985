import type { GenerateRequest } from '../../contracts/index.ts'
import { type DialectName, UnsupportedFeature } from '../dialect.ts'

/** The text of a request, for a dialect that knows no conversation. Throws `UnsupportedFeature` for anything but one. */
export function onePrompt({ messages }: GenerateRequest, dialect: DialectName): string {
  const [first] = messages
  const other = messages.findIndex((message, index) => index > 0 || message.role !== 'user')
  if (other >= 0 || first === undefined)
    throw new UnsupportedFeature(`messages.${Math.max(0, other)}`, dialect)
  const { content, name } = first
  if (name !== undefined) throw new UnsupportedFeature('messages.0.name', dialect)
  return content
    .map((part, index) => {
      const place = `messages.0.content.${index}`
      if (part.type !== 'text') throw new UnsupportedFeature(place, dialect)
      if (part.cache !== undefined) throw new UnsupportedFeature(`${place}.cache`, dialect)
      return part.text
    })
    .join('')
}
