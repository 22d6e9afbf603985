const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const COMMA = 0x2c
const COLON = 0x3a
const SPACE = 0x20

/** JSON text of a field's new value; undefined takes the field out. */
export type FieldEdits = Readonly<Record<string, Buffer | string | undefined>>

interface Member {
  /** From the quote of its name. */
  readonly from: number
  readonly valueFrom: number
  /** After its value. */
  readonly to: number
  /** Its name, where the edits have it. */
  readonly edited: string | undefined
}

/**
 * The bytes of a JSON object with some of its own fields set or taken out, and every other byte as it was: numbers,
 * escapes and spaces reach the other side as they were written. Undefined where an edited name stands twice, since
 * another parser may take the other value.
 *
 * @param object bytes that `JSON.parse` takes for an object.
 */
export function spliceFields(object: Buffer, edits: FieldEdits): Buffer | undefined {
  const found = membersOf(object, edits)
  if (found === undefined) return undefined
  const { closesAt, members } = found
  const isKept = ({ edited }: Member) => edited === undefined || edits[edited] !== undefined
  const lastKept = members.findLastIndex(isKept)
  const pieces: Buffer[] = []
  let at = 0
  members.forEach((member, index) => {
    const value = member.edited === undefined ? undefined : edits[member.edited]
    if (value !== undefined) {
      pieces.push(object.subarray(at, member.valueFrom), bytesOf(value))
      at = member.to
    } else if (!isKept(member) && index < lastKept) {
      // With the comma after it.
      pieces.push(object.subarray(at, member.from))
      at = (members[index + 1] as Member).from
    }
  })
  const first = members[lastKept + 1]
  const last = members.at(-1)
  if (first !== undefined && last !== undefined) {
    // Those at the end go together, with the comma before them.
    pieces.push(object.subarray(at, members[lastKept]?.to ?? first.from))
    at = last.to
  }
  pieces.push(object.subarray(at, closesAt))
  const names = new Set(members.map(({ edited }) => edited))
  const added = Object.keys(edits).filter((name) => edits[name] !== undefined && !names.has(name))
  for (const [index, name] of added.entries())
    pieces.push(
      Buffer.from(`${lastKept >= 0 || index > 0 ? ',' : ''}${JSON.stringify(name)}:`),
      bytesOf(edits[name] as Buffer | string),
    )
  pieces.push(object.subarray(closesAt))
  return Buffer.concat(pieces)
}

function bytesOf(value: Buffer | string): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : value
}

/** All of them in order. Undefined: one of the names stands twice. */
function membersOf(bytes: Buffer, names: FieldEdits): { members: Member[]; closesAt: number } | undefined {
  const members: Member[] = []
  const seen = new Set<string>()
  let at = skipSpace(bytes, bytes.indexOf(OPEN_OBJECT) + 1)
  while (bytes[at] === QUOTE) {
    const from = at
    const nameEnd = endOfText(bytes, from)
    at = skipSpace(bytes, nameEnd + 1)
    if (bytes[at] === COLON) at = skipSpace(bytes, at + 1)
    const to = endOfValue(bytes, at)
    const name = nameOf(bytes, from, nameEnd)
    const isEdited = Object.hasOwn(names, name)
    if (isEdited && seen.has(name)) return undefined
    if (isEdited) seen.add(name)
    members.push({ from, valueFrom: at, to, edited: isEdited ? name : undefined })
    at = skipSpace(bytes, to)
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1)
  }
  return { members, closesAt: at }
}

/** `mod\u0065l` is `model` too. */
function nameOf(bytes: Buffer, from: number, end: number): string {
  const name = bytes.toString('utf8', from + 1, end)
  return name.includes('\\') ? (JSON.parse(`"${name}"`) as string) : name
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && (bytes[at] as number) <= SPACE) at++
  return at
}

function endOfValue(bytes: Buffer, from: number): number {
  const first = bytes[from]
  if (first === QUOTE) return endOfText(bytes, from) + 1
  let at = from
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) {
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === COMMA || byte === CLOSE_OBJECT || byte <= SPACE) break
    }
    return at
  }
  let depth = 0
  for (; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) at = endOfText(bytes, at)
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++
    else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --depth === 0) return at + 1
  }
  return at
}

/** Short texts byte by byte; in long ones the next quote is looked for natively, which is many times as fast. */
function endOfText(bytes: Buffer, start: number): number {
  const near = Math.min(bytes.length, start + 48)
  let at = start + 1
  while (at < near && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
  if (at < near) return at
  for (;;) {
    const quote = bytes.indexOf(QUOTE, at)
    if (quote < 0) return bytes.length
    let before = quote
    while (before > at && bytes[before - 1] === BACKSLASH) before--
    if ((quote - before) % 2 === 0) return quote
    at = quote + 1
  }
}
