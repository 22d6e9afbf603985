import type { ByteSource } from '../byte-source.ts'
import { Unreadable } from '../unreadable.ts'
import { keeper, MOST_DEPTH, put, type Skimmed, type SkipPath } from './skim.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const MOST_TOKEN_BYTES = 1_048_576

/** Reads one JSON object as a stream and keeps what is not skipped, however large the rest is. Throws `Unreadable`. */
export function skimJson(source: ByteSource, skips: SkipPath): Skimmed {
  const keep = keeper()
  let at = 0

  const space = (): number => {
    while (at < source.sizeBytes) {
      const byte = source.byte(at)
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte
      at++
    }
    throw new Unreadable(at, 'the rest of the JSON', 'the end of the file')
  }
  const expect = (wanted: string): void => {
    const byte = space()
    if (byte !== wanted.charCodeAt(0)) throw new Unreadable(at, `"${wanted}"`, shown(byte))
    at++
  }
  const isNext = (wanted: string): boolean => {
    if (space() !== wanted.charCodeAt(0)) return false
    at++
    return true
  }
  const token = (): Buffer => {
    const start = at
    if (source.byte(at) === QUOTE) {
      at++
      for (let byte = source.byte(at); byte !== QUOTE; byte = source.byte(at))
        at += byte === BACKSLASH ? 2 : 1
      at++
    } else while (at < source.sizeBytes && isWord(source.byte(at))) at++
    if (at - start > MOST_TOKEN_BYTES)
      throw new Unreadable(start, `a value of at most ${MOST_TOKEN_BYTES} bytes`, 'a longer one')
    return source.bytes(start, at - start)
  }
  const scalar = (): Skimmed => {
    const start = at
    const bytes = token()
    try {
      return JSON.parse(bytes.toString('utf8')) as Skimmed
    } catch {
      throw new Unreadable(
        start,
        'a value',
        bytes.length === 0
          ? shown(source.byte(start))
          : JSON.stringify(bytes.toString('latin1').slice(0, 20)),
      )
    }
  }
  const text = (): string => {
    if (space() !== QUOTE) throw new Unreadable(at, 'a key', shown(source.byte(at)))
    return String(scalar())
  }
  const skip = (): void => {
    let depth = 0
    do {
      const byte = space()
      if (byte === 0x7b || byte === 0x5b) depth++
      else if (byte === 0x7d || byte === 0x5d) depth--
      else if (byte === QUOTE) {
        token()
        continue
      } else if (isWord(byte)) {
        while (at < source.sizeBytes && isWord(source.byte(at))) at++
        continue
      }
      at++
    } while (depth > 0)
  }
  const value = (path: string, depth: number): Skimmed => {
    if (depth > MOST_DEPTH) throw new Unreadable(at, `at most ${MOST_DEPTH} levels`, 'more')
    keep(at)
    const byte = space()
    if (byte === 0x7b) return object(path, depth)
    if (byte !== 0x5b) return scalar()
    at++
    const items: Skimmed[] = []
    if (isNext(']')) return items
    do items.push(value(path, depth + 1))
    while (isNext(','))
    expect(']')
    return items
  }
  const object = (path: string, depth: number): Skimmed => {
    expect('{')
    const members: Record<string, Skimmed> = {}
    if (isNext('}')) return members
    do {
      const key = text()
      const inner = path === '' ? key : `${path}.${key}`
      expect(':')
      if (skips(inner)) {
        space()
        skip()
      } else put(members, key, value(inner, depth + 1))
    } while (isNext(','))
    expect('}')
    return members
  }
  space()
  return object('', 0)
}

function isWord(byte: number): boolean {
  // Letters, digits, signs and points: numbers and true, false, null.
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    ((byte | 32) >= 0x61 && (byte | 32) <= 0x7a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  )
}

function shown(byte: number): string {
  return JSON.stringify(String.fromCharCode(byte))
}
