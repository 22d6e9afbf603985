import type { ByteSource } from '../byte-source.ts'
import { Cursor } from '../cursor.ts'
import { Unreadable } from '../unreadable.ts'
import { keeper, MOST_DEPTH, put, type Skimmed, type SkipPath } from './skim.ts'

const MOST_TEXT_BYTES = 1_048_576
const OPEN = 0x5b
const CLOSE = 0x5d
const BEGIN = 0x7b
const END = 0x7d
const TYPE = 0x24
const COUNT = 0x23
/** Bytes of a number by marker. */
const SIZES: Readonly<Record<string, number>> = { i: 1, U: 1, C: 1, I: 2, l: 4, d: 4, L: 8, D: 8 }

/** The same as `skimJson` for Universal Binary JSON (draft 12) as XGBoost writes it; big-endian. Throws `Unreadable`. */
export function skimUbj(source: ByteSource, skips: SkipPath): Skimmed {
  const cursor = new Cursor(source)
  const keep = keeper()

  const peek = (): number => source.byte(cursor.at)
  const isNext = (byte: number): boolean => {
    if (peek() !== byte) return false
    cursor.at++
    return true
  }
  const marker = (): string => String.fromCharCode(cursor.u8('a marker'))
  const length = (): number => {
    const at = cursor.at
    const value = number(marker(), at)
    if (!Number.isSafeInteger(value) || value < 0) throw new Unreadable(at, 'a length', `${value}`)
    return value
  }
  const number = (type: string, at: number): number => {
    const size = SIZES[type]
    if (size === undefined) throw new Unreadable(at, 'a number', `the marker ${JSON.stringify(type)}`)
    const bytes = cursor.bytes(size, 'a number')
    if (type === 'd') return bytes.readFloatBE()
    if (type === 'D') return bytes.readDoubleBE()
    if (type === 'U' || type === 'C') return bytes.readUInt8()
    return type === 'L' ? Number(bytes.readBigInt64BE()) : bytes.readIntBE(0, size)
  }
  const text = (): string => {
    const size = length()
    return cursor.text(size, 'a text', MOST_TEXT_BYTES)
  }
  const value = (type: string, path: string, depth: number, isKept: boolean): Skimmed => {
    const at = cursor.at - 1
    if (depth > MOST_DEPTH) throw new Unreadable(at, `at most ${MOST_DEPTH} levels`, 'more')
    if (isKept) keep(at)
    if (type === '{') return object(path, depth, isKept)
    if (type === '[') return array(path, depth, isKept)
    if (type === 'S') return text()
    if (type === 'T') return true
    if (type === 'F') return false
    if (type === 'Z' || type === 'N') return null
    return number(type, at)
  }
  const array = (path: string, depth: number, isKept: boolean): Skimmed => {
    const items: Skimmed[] = []
    const type = isNext(TYPE) ? marker() : undefined
    if (type !== undefined && peek() !== COUNT)
      throw new Unreadable(cursor.at, 'the count of a typed array', 'none')
    if (isNext(COUNT)) {
      const count = length()
      const size = SIZES[type ?? '']
      if (!isKept && size !== undefined) {
        cursor.skip(count * size, 'an array')
        return items
      }
      for (let index = 0; index < count; index++) {
        const item = value(type ?? marker(), path, depth + 1, isKept)
        if (isKept) items.push(item)
      }
      return items
    }
    while (!isNext(CLOSE)) {
      const item = value(marker(), path, depth + 1, isKept)
      if (isKept) items.push(item)
    }
    return items
  }
  const object = (path: string, depth: number, isKept: boolean): Skimmed => {
    const members: Record<string, Skimmed> = {}
    while (!isNext(END)) {
      const key = text()
      const inner = path === '' ? key : `${path}.${key}`
      const isInnerKept = isKept && !skips(inner)
      const item = value(marker(), inner, depth + 1, isInnerKept)
      if (isInnerKept) put(members, key, item)
    }
    return members
  }
  const first = cursor.u8('the opening "{"')
  if (first !== BEGIN) throw new Unreadable(0, 'the opening "{"', `the byte ${first}`)
  return object('', 0, true)
}

/** Opening brace and the marker of a length, where JSON would have a quote or white space. */
export function looksLikeUbj(head: Buffer): boolean {
  return head[0] === BEGIN && 'LlIiU'.includes(String.fromCharCode(head[1] ?? OPEN))
}
