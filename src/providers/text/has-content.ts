import type { GenerateEvent } from '../../contracts/index.ts'

/** Whether a user would see something of it. */
export function hasContent({ type }: GenerateEvent): boolean {
  return CONTENT.has(type)
}

const CONTENT: ReadonlySet<GenerateEvent['type']> = new Set([
  'text',
  'reasoning',
  'refusal',
  'annotation',
  'tool-call-started',
  'tool-call-arguments',
])
