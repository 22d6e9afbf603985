import type { z } from 'zod'

/**
 * Reads an answer by its schema, strict about what it needs and tolerant about what it does not know: a newer server
 * may add fields, also where the schema is strict for requests.
 */
export function readTolerant(schema: z.ZodType, text: string): { answer: unknown } | { reason: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { reason: `it is not JSON (${(error as Error).message})` }
  }
  const first = schema.safeParse(value)
  if (first.success) return { answer: first.data }
  for (const issue of first.error.issues)
    if (issue.code === 'unrecognized_keys') removeKeys(value, issue.path, issue.keys)
  const second = schema.safeParse(value)
  if (second.success) return { answer: second.data }
  const issue = second.error.issues[0]
  return { reason: `${issue?.path.join('.') || 'the whole'}: ${issue?.message}` }
}

function removeKeys(value: unknown, path: readonly PropertyKey[], keys: readonly string[]): void {
  const target = path.reduce<unknown>(
    (at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step],
    value,
  )
  if (typeof target !== 'object' || target === null) return
  for (const key of keys) delete (target as Record<string, unknown>)[key]
}
