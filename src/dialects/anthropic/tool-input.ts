/**
 * Arguments of a call are JSON text in the neutral form and an object here. Text that is no object goes as
 * `{"INVALID_JSON": "<text>"}`, which is how Anthropic's documentation of fine-grained tool streaming hands such
 * arguments back to the model, and is taken apart again on its way in: the text reaches the other side as it was.
 */
const INVALID = 'INVALID_JSON'

export function writeInput(args: string): unknown {
  if (args.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(args)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {}
  return { [INVALID]: args }
}

export function readInput(input: unknown): string {
  if (typeof input === 'object' && input !== null) {
    const entries = Object.entries(input)
    const [name, text] = entries[0] ?? []
    if (entries.length === 1 && name === INVALID && typeof text === 'string') return text
  }
  return JSON.stringify(input ?? {})
}
