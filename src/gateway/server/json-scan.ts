/** How deep a body may nest. A row of the deepest tensor (8 dimensions) reaches 11. */
export const MAX_JSON_DEPTH = 32

export interface JsonShape {
  readonly depth: number
  /** Objects that open inside the second level: the rows of a predict body. */
  readonly rows: number
}

/** Texts up to here are read byte by byte. */
const NEAR = 48
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * Depth and rows of JSON text without parsing it: 1 ms a megabyte, no memory. Brackets in strings do not count. Stops
 * at `maxDepth` or `maxRows`, so that a hostile body costs no more than it must. Text that is not JSON gives some
 * figure; the parser says no to it later.
 */
export function scanJson(bytes: Uint8Array, maxDepth: number, maxRows: number): JsonShape {
  let depth = 0
  let deepest = 0
  let rows = 0
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number
    if (byte === QUOTE) index = endOfString(bytes, index)
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      if (depth === 2 && byte === OPEN_OBJECT) rows++
      depth++
      if (depth > deepest) deepest = depth
      if (deepest > maxDepth || rows > maxRows) break
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--
  }
  return { depth: deepest, rows }
}

/** Short texts byte by byte; in long ones the next quote is looked for natively, which is many times as fast. */
function endOfString(bytes: Uint8Array, start: number): number {
  const near = Math.min(bytes.length, start + NEAR)
  let index = start + 1
  while (index < near && bytes[index] !== QUOTE) index += bytes[index] === BACKSLASH ? 2 : 1
  if (index < near) return index
  for (;;) {
    const quote = bytes.indexOf(QUOTE, index)
    if (quote < 0) return bytes.length
    let before = quote
    while (before > index && bytes[before - 1] === BACKSLASH) before--
    if ((quote - before) % 2 === 0) return quote
    index = quote + 1
  }
}
