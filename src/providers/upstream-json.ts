import { isUtf8 } from 'node:buffer'
import type { RowCodec } from '../link/index.ts'

/** Where rows stand in the JSON text of an object. */
export interface WrittenRows {
  /** The bytes of the array, brackets and all. */
  readonly rows: Buffer
  /** The object has no other member, so that it may be passed on whole. */
  readonly isAlone: boolean
}

/** Stands for the only tensor of a model that has one (`codec.encodeJson`). */
const ALIAS = '"features"'

/**
 * Finds the rows in JSON text that was parsed and whose rows the codec accepted, so that they can be passed on as they
 * were written instead of being written anew. Gives undefined where the text says more, or says it otherwise, than
 * what was checked, and a reader could understand something else by it: a name given twice (RFC 8259, 4: readers
 * differ), a name in escapes, the alias of the only tensor, a whole number written as `1.0` or `1e0`, an int64 within
 * the safe integers as a string.
 *
 * @param member `inputs` of a request, `outputs` of an answer.
 */
export function rowsAsWritten(
  codec: RowCodec,
  member: string,
): (text: Buffer, rows: number) => WrittenRows | undefined {
  const { tensors } = codec
  const has = (...dtypes: string[]) => tensors.some(({ dtype }) => dtypes.includes(dtype))
  const hasStrings = has('string')
  const hasInt64 = has('int64')
  const hasIntegers = has('int32', 'int64')
  const mayBeAliased = tensors.length === 1 && JSON.stringify(tensors[0]?.name) !== ALIAS
  if (hasInt64 && hasStrings) return () => undefined
  return (text, rows) => {
    const found = scanMember(text, member)
    if (found === undefined || found.pairs !== rows * tensors.length) return undefined
    if (hasIntegers && found.hasWholeFraction) return undefined
    if (hasInt64 && found.strings !== found.pairs) return undefined
    const written = text.subarray(found.start, found.end)
    if (mayBeAliased && (written.includes(ALIAS) || written.includes('\\'))) return undefined
    if (!isUtf8(written)) return undefined
    return { rows: written, isAlone: found.isAlone }
  }
}

interface Member {
  start: number
  end: number
  isAlone: boolean
  /** Names with a value inside the member, in all depths. */
  pairs: number
  /** Strings inside it, names among them. */
  strings: number
  /** A number like `1.0`, `1.` or `1e3` is inside it. */
  hasWholeFraction: boolean
}

const QUOTE = 0x22
const COMMA = 0x2c
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const UPPER_E = 0x45
const LOWER_E = 0x65
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Bytes that mean something outside of strings; all others, most of them digits, are passed over by one look-up. */
const MEANS = new Uint8Array(256)
for (const byte of [QUOTE, COMMA, DOT, COLON, OPEN_ARRAY, CLOSE_ARRAY, UPPER_E, LOWER_E]) MEANS[byte] = 1
for (const byte of [OPEN_OBJECT, CLOSE_OBJECT]) MEANS[byte] = 1

/** `text` is a JSON object. Undefined for no such member, several of them, or names that only an unescaping reader knows. */
function scanMember(text: Buffer, name: string): Member | undefined {
  const found: Member = { start: -1, end: -1, isAlone: true, pairs: 0, strings: 0, hasWholeFraction: false }
  let depth = 0
  let isInside = false
  let stringStart = 0
  let stringEnd = 0
  for (let index = 0; index < text.length; index++) {
    const byte = text[index] as number
    if (MEANS[byte] === 0) continue
    switch (byte) {
      case QUOTE:
        stringStart = index + 1
        index = endOfString(text, index)
        stringEnd = index
        if (isInside) found.strings++
        break
      case COLON:
        if (isInside) found.pairs++
        else if (depth === 1) {
          const key = text.toString('latin1', stringStart, stringEnd)
          if (key.includes('\\')) return undefined
          if (key !== name) found.isAlone = false
          else if (found.start >= 0) return undefined
          else {
            isInside = true
            found.start = index + 1
          }
        }
        break
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        depth++
        break
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth--
        if (depth === 0 && isInside) {
          isInside = false
          found.end = index
        }
        break
      case COMMA:
        if (depth === 1 && isInside) {
          isInside = false
          found.end = index
        }
        break
      case DOT:
        if (isInside && isWholeFraction(text, index)) found.hasWholeFraction = true
        break
      // Exponents: the letter of `true` and `false` follows no digit.
      default:
        if (isInside && isDigit(text[index - 1])) found.hasWholeFraction = true
    }
  }
  return found.end < 0 ? undefined : found
}

/** The digits after the dot are zeros. */
function isWholeFraction(text: Buffer, dot: number): boolean {
  let index = dot + 1
  while (text[index] === ZERO) index++
  return !isDigit(text[index])
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}

function endOfString(text: Buffer, start: number): number {
  let index = start + 1
  while (index < text.length && text[index] !== QUOTE) index += text[index] === BACKSLASH ? 2 : 1
  return index
}
