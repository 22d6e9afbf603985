/**
 * A raw e-mail (RFC 5322, MIME) as what the sample needs of it: a subject, a readable body, an arrival time.
 *
 * Mail of 2002 breaks most rules, spam more than others, so every step has a fallback and none throws: an unknown
 * charset is read as Windows-1252, a broken boundary as one plain part, a wrong date by the next witness.
 */
import { htmlToText } from './html.ts'

interface Mail {
  readonly from: string
  readonly subject: string
  readonly body: string
  readonly at: Date | undefined
}

interface Part {
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

const MAX_DEPTH = 6
const EARLIEST = Date.UTC(2001, 0, 1)
const LATEST = Date.UTC(2003, 0, 1)

export function parseMail(raw: Buffer): Mail {
  const part = splitPart(raw)
  return {
    from: header(part, 'from') ?? '',
    subject: decodeWords(header(part, 'subject') ?? ''),
    body: readText(part, 0),
    at: arrival(part, raw),
  }
}

/**
 * When the mail arrived, by the clock that is hardest to forge: the topmost `Received` (written by the
 * recipient's own server), else `Delivery-Date`, else the mbox `From ` line, else the sender's `Date`. A witness
 * outside 2001–2002, the years of the collection, is passed over: senders wrote 1980, 2020 and the year 102.
 */
function arrival(part: Part, raw: Buffer): Date | undefined {
  const received = header(part, 'received')?.split(';').at(-1)
  const mbox = /^From \S+\s+(.+)/.exec(raw.subarray(0, 200).toString('latin1'))?.[1]
  for (const witness of [received, header(part, 'delivery-date'), mbox, header(part, 'date')]) {
    const at = new Date((witness ?? '').replace(/\([^)]*\)/g, ' ').trim())
    if (at.getTime() >= EARLIEST && at.getTime() < LATEST) return at
  }
  return undefined
}

function splitPart(raw: Buffer): Part {
  const text = raw.toString('latin1')
  const gap = /\r?\n\r?\n/.exec(text)
  const head = gap === null ? text : text.slice(0, gap.index)
  const headers = head
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .map((line) => /^([^\s:]+):\s*(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => [match[1]!.toLowerCase(), match[2]!] as const)
  return { headers, body: gap === null ? Buffer.alloc(0) : raw.subarray(gap.index + gap[0].length) }
}

function header(part: Part, name: string): string | undefined {
  return part.headers.find(([key]) => key === name)?.[1]
}

/** The readable text below a part: plain text where it says anything, HTML without its tags otherwise. */
function readText(part: Part, depth: number): string {
  if (depth > MAX_DEPTH || /^attachment/i.test(header(part, 'content-disposition') ?? '')) return ''
  const type = header(part, 'content-type') ?? 'text/plain'
  if (/^multipart\//i.test(type)) return readMultipart(part, type, depth)
  if (/^message\/rfc822/i.test(type)) return readText(splitPart(part.body), depth + 1)
  if (/^text\/html/i.test(type)) return htmlToText(decodeBody(part, type))
  // A type that does not parse at all (`Content-Type: text`) is text too; images and programs are not.
  if (!/^text\b/i.test(type) && /^[a-z]+\/[a-z]/i.test(type)) return ''
  const text = decodeBody(part, type)
  return /<html|<body|<table|<font/i.test(text.slice(0, 2_000)) ? htmlToText(text) : text
}

function readMultipart(part: Part, type: string, depth: number): string {
  const boundary = /boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))/i.exec(type)
  const mark = boundary?.[1] ?? boundary?.[2]
  const pieces = mark === undefined ? [] : part.body.toString('latin1').split(`--${mark}`).slice(1)
  // Nothing between boundaries: the sender lied about the structure, so the body is read as it stands.
  if (pieces.length === 0) return decodeBody(part, 'text/plain')
  const texts: string[] = []
  for (const piece of pieces) {
    if (piece.startsWith('--')) break
    texts.push(readText(splitPart(withBlankHead(piece)), depth + 1).trim())
  }
  if (/^multipart\/alternative/i.test(type)) return texts.find((text) => text !== '') ?? ''
  return texts.filter((text) => text !== '').join('\n\n')
}

/** A part may have no headers at all; its body then starts after the empty line that follows the boundary. */
function withBlankHead(piece: string): Buffer {
  const afterBoundary = piece.replace(/^[ \t]*\r?\n/, '')
  const headless = /^\r?\n/.test(afterBoundary)
  return Buffer.from(headless ? `X: -\n${afterBoundary}` : afterBoundary, 'latin1')
}

function decodeBody(part: Part, type: string): string {
  const encoding = (header(part, 'content-transfer-encoding') ?? '').trim().toLowerCase()
  const charset = /charset\s*=\s*"?([^\s";]+)/i.exec(type)?.[1]
  if (encoding === 'base64')
    return decodeCharset(Buffer.from(part.body.toString('latin1'), 'base64'), charset)
  if (encoding === 'quoted-printable') {
    return decodeCharset(quotedPrintable(part.body.toString('latin1')), charset)
  }
  return decodeCharset(part.body, charset)
}

function quotedPrintable(text: string): Buffer {
  const joined = text.replace(/=[ \t]*\r?\n/g, '')
  const bytes = joined.replace(/=([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1')
}

function decodeCharset(bytes: Buffer, charset: string | undefined): string {
  const named = decoderFor(charset)
  if (named !== undefined) return named.decode(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

function decoderFor(charset: string | undefined): InstanceType<typeof TextDecoder> | undefined {
  if (charset === undefined) return undefined
  try {
    return new TextDecoder(charset)
  } catch {
    return undefined
  }
}

/** RFC 2047: `=?iso-8859-1?Q?caf=E9?=` in a subject. */
function decodeWords(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?([^?\s]+)\?([bq])\?([^?]*)\?=/gi, (_, charset: string, kind: string, data: string) => {
      const bytes =
        kind.toLowerCase() === 'b' ? Buffer.from(data, 'base64') : quotedPrintable(data.replaceAll('_', ' '))
      return decodeCharset(bytes, charset)
    })
}
