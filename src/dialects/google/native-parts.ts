import type { JsonObject } from '../dialect.ts'
import { objectOf } from '../json/tolerant.ts'

const NATIVE = ['inlineData', 'fileData', 'executableCode', 'codeExecutionResult'] as const

/** A part that came as an annotation because it has no neutral form goes back as it came; others say nothing here. */
export function nativePart(annotation: unknown): JsonObject | undefined {
  const part = objectOf(annotation)
  return part !== undefined && NATIVE.some((name) => part[name] !== undefined) ? { ...part } : undefined
}
