import type { ByteSource } from './byte-source.ts'
import { shownBytes, Unreadable } from './unreadable.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** One JSON object of at most so many bytes between two positions. */
export function jsonObject(source: ByteSource, start: number, end: number, mostBytes: number): JsonObject {
  if (end - start > mostBytes)
    throw new Unreadable(start, `JSON of at most ${mostBytes} bytes`, `${end - start} bytes`)
  const bytes = source.bytes(start, end - start)
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new Unreadable(start, 'JSON', `${shownBytes(bytes)} … (${(error as Error).message.slice(0, 100)})`)
  }
  if (!isObject(value)) throw new Unreadable(start, 'a JSON object', shownBytes(bytes))
  return value
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What is at a key, and nothing that only every object has. */
export function member(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

export function numberAt(value: unknown, ...keys: readonly string[]): number | null {
  for (const key of keys) {
    const found = member(value, key)
    if (typeof found === 'number' && Number.isFinite(found) && found >= 0) return found
  }
  return null
}

export function textAt(value: unknown, ...keys: readonly string[]): string | null {
  for (const key of keys) {
    const found = member(value, key)
    if (typeof found === 'string') return found.slice(0, 4096)
  }
  return null
}
