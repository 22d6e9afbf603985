/**
 * Mail text to a row of numbers, the same for every version of `spam_filter`: which words, and which neighbouring
 * pairs of words, occur. Each is hashed into one of `BUCKETS` places (Weinberger et al. 2009); a row is scaled to
 * length 1, so that long mail does not shout.
 *
 * This runs before every inference, so it reads the text once, by char code, and makes no strings.
 */
const BUCKETS = 4_096
/** What stands further down is not read: cost is bounded, whatever is sent. */
const MAX_CHARS = 4_000
/** Longer words are encoded data; their first characters are as telling as all of them. */
const MAX_WORD_CHARS = 24

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193
const MESSAGE_ID = 'message-id:'

/** Char code → lower-case code of a word character, or 0 for a separator. `$`, `!` and `%` tell spam from ham. */
const WORD_CODE = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code)
  return /[a-z0-9$!%]/i.test(char) ? char.toLowerCase().charCodeAt(0) : 0
})

/** Row i of the features belongs to `rows[i]`: float32 [rows, 4096], each row of length 1, or 0 for no words. */
export function preprocess(rows: { text: string }[]): { features: { shape: number[]; data: Float32Array } } {
  const data = new Float32Array(rows.length * BUCKETS)
  for (let row = 0; row < rows.length; row++) {
    fillRow(rows[row]!.text, data.subarray(row * BUCKETS, (row + 1) * BUCKETS))
  }
  return { features: { shape: [rows.length, BUCKETS], data } }
}

const touched = new Uint16Array(BUCKETS)

function fillRow(text: string, row: Float32Array): void {
  let count = 0
  let word = FNV_OFFSET
  let wordChars = 0
  let previous = 0
  const start = bodyStart(text)
  const end = Math.min(text.length, start + MAX_CHARS)
  for (let index = start; index <= end; index++) {
    const code = index < end ? text.charCodeAt(index) : 0
    const letter = code < 128 ? WORD_CODE[code]! : code
    if (letter !== 0) {
      if (wordChars < MAX_WORD_CHARS) word = Math.imul(word ^ letter, FNV_PRIME)
      wordChars++
      continue
    }
    if (wordChars === 0) continue
    count = mark(row, place(word), count)
    count = mark(row, place(Math.imul(previous, FNV_PRIME) ^ word), count)
    previous = word
    word = FNV_OFFSET
    wordChars = 0
  }
  const scale = 1 / Math.sqrt(count)
  for (let index = 0; index < count; index++) row[touched[index]!] = scale
}

function mark(row: Float32Array, bucket: number, count: number): number {
  if (row[bucket] !== 0) return count
  row[bucket] = 1
  touched[count] = bucket
  return count + 1
}

/** Spreads a hash over the buckets: FNV's high bits are the better ones. */
function place(hash: number): number {
  return (Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 13) & (BUCKETS - 1)
}

/** A `Message-Id` line in front says nothing about the mail, and differs each time. */
function bodyStart(text: string): number {
  for (let index = 0; index < MESSAGE_ID.length; index++) {
    if ((text.charCodeAt(index) | 32) !== (MESSAGE_ID.charCodeAt(index) | 32)) return 0
  }
  const lineEnd = text.indexOf('\n')
  return lineEnd === -1 ? text.length : lineEnd + 1
}
