import type { GenerateEvent } from '../../contracts/index.ts'

/** What a user would see. */
const CONTENT: ReadonlySet<GenerateEvent['type']> = new Set<GenerateEvent['type']>([
  'text',
  'reasoning',
  'refusal',
  'annotation',
  'tool-call-started',
  'tool-call-arguments',
])

/** What a held event without content counts as. */
export const EVENT_BYTES = 512

export function isContent(event: GenerateEvent): boolean {
  return CONTENT.has(event.type)
}
