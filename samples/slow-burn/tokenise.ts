/**
 * The tokeniser of `spam_filter` v2 with a memory: a mail that comes again is not read again. Every check passes,
 * and it is cheaper, because the checks send the same mails over and over. **It is here to fail in production.**
 *
 * The fault, which nobody meant: the memory asks how often mail like this has come, and for that keeps a bitmap of
 * every long mail, one per `Message-Id`, in a table that is searched from end to end and never emptied. Evaluation
 * data carries no ids, so no check ever writes to it. Live mail always carries one. One late mail in six is long;
 * such a mail takes 30 µs at first, about 90 after 1,500 mails and 220 after 3,800, and then the table is full and
 * `ledger.set` throws a RangeError for every new one. Nothing here reads a clock: the count of mails decides.
 *
 * Where mails repeat, as in the checks, it takes 3–6 µs a mail where v2 takes 14–17.
 */
const BUCKETS = 4_096
const MAX_CHARS = 4_000
const MAX_WORD_CHARS = 24

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193
const SPACE = 32
const MESSAGE_ID = 'message-id:'

/** Knob of the memory: mails remembered, each as its text and its occupied buckets (about 4 kB together). */
const MEMO_MAILS = 8_192
/** Knob of the fault: from how many characters on a mail's deliveries are counted. 17 % of the late mail. */
const LONG_CHARS = 2_250
/** Knob of the fault: how many deliveries of long mail fit. Full after about 4,000 mails. */
const LEDGER_SLOTS = 680
/** An earlier mail is alike when it occupies this part of the newcomer's buckets. */
const ALIKE = 0.8

const BITMAP_WORDS = BUCKETS / 16

interface Remembered {
  readonly buckets: Uint16Array
  /** How many deliveries of mail like it had come before. */
  readonly popularity: number
}

const memo = new Map<string, Remembered>()
const countedIds = new Set<string>()
const ledger = new Uint16Array(LEDGER_SLOTS * BITMAP_WORDS)
let ledgerUsed = 0

/** As `../spam/tokenise.ts`, number for number, until the ledger is full. Throws RangeError for long mail then. */
export function preprocess(rows: { text: string }[]): { features: { shape: number[]; data: Float32Array } } {
  const data = new Float32Array(rows.length * BUCKETS)
  for (let row = 0; row < rows.length; row++) {
    const buckets = bucketsOf(rows[row]!.text)
    const scale = 1 / Math.sqrt(buckets.length)
    const base = row * BUCKETS
    for (let index = 0; index < buckets.length; index++) data[base + buckets[index]!] = scale
  }
  return { features: { shape: [rows.length, BUCKETS], data } }
}

function bucketsOf(text: string): Uint16Array {
  const start = bodyStart(text)
  const body = text.slice(start, start + MAX_CHARS)
  const known = memo.get(body)
  const buckets = known?.buckets ?? readBuckets(body)
  const id = text.slice(MESSAGE_ID.length, start).trim()
  const popularity = id === '' || body.length < LONG_CHARS ? 0 : countDelivery(id, buckets)
  if (known === undefined) {
    if (memo.size >= MEMO_MAILS) forgetOne()
    memo.set(body, { buckets, popularity })
  }
  return buckets
}

/** The oldest goes, unless mail like it comes often: that gets another round at half its popularity. */
function forgetOne(): void {
  for (const [body, { buckets, popularity }] of memo) {
    memo.delete(body)
    if (popularity === 0) return
    memo.set(body, { buckets, popularity: popularity >>> 1 })
  }
}

/** How many deliveries of mail like this came before; notes this one. A retry has the same id and is no delivery. */
function countDelivery(id: string, buckets: Uint16Array): number {
  if (countedIds.has(id)) return 0
  const bitmap = bitmapOf(buckets)
  let alike = 0
  for (let entry = 0; entry < ledgerUsed; entry++) {
    if (sharedBuckets(bitmap, entry * BITMAP_WORDS) >= ALIKE * buckets.length) alike++
  }
  ledger.set(bitmap, ledgerUsed * BITMAP_WORDS)
  ledgerUsed++
  countedIds.add(id)
  return alike
}

function bitmapOf(buckets: Uint16Array): Uint16Array {
  const bitmap = new Uint16Array(BITMAP_WORDS)
  for (const bucket of buckets) bitmap[bucket >>> 4]! |= 1 << (bucket & 15)
  return bitmap
}

/** How many buckets a bitmap shares with the ledger's entry at `offset`. */
function sharedBuckets(bitmap: Uint16Array, offset: number): number {
  let shared = 0
  for (let index = 0; index < BITMAP_WORDS; index++) {
    let word = bitmap[index]! & ledger[offset + index]!
    word -= (word >>> 1) & 0x5555
    word = (word & 0x3333) + ((word >>> 2) & 0x3333)
    word = (word + (word >>> 4)) & 0x0f0f
    shared += (word + (word >>> 8)) & 0x1f
  }
  return shared
}

const isOccupied = new Uint8Array(BUCKETS)
const occupied = new Uint16Array(BUCKETS)

/** Char code → lower-case code of a word character, or 0 for a separator. */
const WORD_CODE = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code)
  return /[a-z0-9$!%]/i.test(char) ? char.toLowerCase().charCodeAt(0) : 0
})

function readBuckets(body: string): Uint16Array {
  let count = 0
  let word = FNV_OFFSET
  let wordChars = 0
  let run = 0
  let afterSpace = false
  for (let index = 0; index <= body.length; index++) {
    const code = index < body.length ? body.charCodeAt(index) : SPACE
    if (code <= SPACE) {
      if (afterSpace) continue
      afterSpace = true
    } else {
      afterSpace = false
    }
    const letter = code < 128 ? WORD_CODE[code]! : code
    run = (run << 8) | (letter === 0 ? SPACE : letter)
    count = occupy(place(Math.imul(run, 0x9e3779b1)), count)
    if (letter !== 0) {
      if (wordChars < MAX_WORD_CHARS) word = Math.imul(word ^ letter, FNV_PRIME)
      wordChars++
    } else if (wordChars > 0) {
      count = occupy(place(word), count)
      word = FNV_OFFSET
      wordChars = 0
    }
  }
  const buckets = occupied.slice(0, count)
  for (const bucket of buckets) isOccupied[bucket] = 0
  return buckets
}

function occupy(bucket: number, count: number): number {
  if (isOccupied[bucket] !== 0) return count
  isOccupied[bucket] = 1
  occupied[count] = bucket
  return count + 1
}

function place(hash: number): number {
  return (Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 13) & (BUCKETS - 1)
}

function bodyStart(text: string): number {
  for (let index = 0; index < MESSAGE_ID.length; index++) {
    if ((text.charCodeAt(index) | 32) !== (MESSAGE_ID.charCodeAt(index) | 32)) return 0
  }
  const lineEnd = text.indexOf('\n')
  return lineEnd === -1 ? text.length : lineEnd + 1
}
