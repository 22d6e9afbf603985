import { METHODS } from 'node:http'

/**
 * The head of an HTTP/1.1 request, read strictly (RFC 9112): whatever two readers could take for two different messages
 * is refused, and nothing is repaired. Lines end with CRLF and are not folded; names and methods are tokens; one Host;
 * one Content-Length of digits, or `Transfer-Encoding: chunked`, never both.
 */
export interface RequestHead {
  readonly method: string
  /** As it was sent: origin-form, `*`, or absolute-form. */
  readonly target: string
  /** Names in lower case. Fields that came more than once are joined as `node:http` joins them. */
  readonly headers: Record<string, string>
  /** Bytes of the body; −1: in chunks. */
  readonly bodyBytes: number
  readonly isKeptAlive: boolean
  readonly expectsContinue: boolean
  /** 0 or 1, of HTTP/1.x. */
  readonly minor: number
}

export type HeadFault = { readonly fault: string }

const METHOD_NAMES: ReadonlySet<string> = new Set(METHODS.filter((method) => method !== 'CONNECT'))
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Field values: visible characters, spaces, tabs and bytes beyond ASCII; no other control characters. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const TARGET = /^(?:\/[\x21-\x7e]*|\*|https?:\/\/[A-Za-z0-9.:\-[\]]+(?:\/[\x21-\x7e]*)?)$/
const DIGITS = /^[0-9]{1,15}$/
/** Never joined by a comma: a second one would change what the first one said. */
const SINGLE: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'content-type',
  'expect',
  'host',
  'transfer-encoding',
  'x-api-key',
])
/** What `node:http` keeps the first of. */
const FIRST_COUNTS: ReadonlySet<string> = new Set([
  'age',
  'etag',
  'expires',
  'from',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
])

/** Names as clients write them, so that most requests make no string for them. Bounded: others are made anew. */
const lowered = new Map<string, string>()
const MOST_LOWERED = 512

/** Reads `text`, the head without its empty line, one character a byte (latin1). */
export function readHead(text: string): RequestHead | HeadFault {
  const lineEnd = text.indexOf('\r\n')
  const line = lineEnd < 0 ? text : text.slice(0, lineEnd)
  const methodEnd = line.indexOf(' ')
  const targetEnd = line.length - 9
  if (methodEnd < 1 || targetEnd <= methodEnd || !line.startsWith(' HTTP/1.', targetEnd))
    return { fault: 'the first line is not "method target HTTP/1.1"' }
  const method = line.slice(0, methodEnd)
  if (!METHOD_NAMES.has(method)) return { fault: 'the method is not known' }
  const target = line.slice(methodEnd + 1, targetEnd)
  if (!TARGET.test(target)) return { fault: 'the target is not a path' }
  const minor = line.charCodeAt(line.length - 1) - 48
  if (minor !== 0 && minor !== 1) return { fault: 'only HTTP/1.0 and HTTP/1.1 are spoken' }
  const headers: Record<string, string> = {}
  let at = lineEnd < 0 ? text.length : lineEnd + 2
  while (at < text.length) {
    const end = text.indexOf('\r\n', at)
    const stop = end < 0 ? text.length : end
    const fault = readField(text, at, stop, headers)
    if (fault !== undefined) return { fault }
    at = stop + 2
  }
  return whole(method, target, minor, headers)
}

function readField(
  text: string,
  at: number,
  stop: number,
  headers: Record<string, string>,
): string | undefined {
  const colon = text.indexOf(':', at)
  if (colon <= at || colon >= stop) return 'a header line has no name'
  const raw = text.slice(at, colon)
  const name = lowered.get(raw) ?? lower(raw)
  if (name === undefined) return 'the name of a header is not a token'
  let from = colon + 1
  let to = stop
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  const value = text.slice(from, to)
  if (!VALUE.test(value)) return `the header ${name} has control characters`
  // Other readers differ on what a blank behind the coding means.
  if (name === 'transfer-encoding' && to < stop) return 'the transfer-encoding ends with a blank'
  const before: unknown = headers[name]
  // Not only undefined: `constructor` is a name too.
  if (typeof before !== 'string') headers[name] = value
  else if (SINGLE.has(name)) return `the header ${name} came twice`
  else if (!FIRST_COUNTS.has(name)) headers[name] = `${before}${name === 'cookie' ? '; ' : ', '}${value}`
  return undefined
}

function lower(raw: string): string | undefined {
  if (!TOKEN.test(raw)) return undefined
  const name = raw.toLowerCase()
  // The one name that is no plain property of an object.
  if (name === '__proto__') return undefined
  if (lowered.size < MOST_LOWERED && raw.length <= 40) lowered.set(raw, name)
  return name
}

function whole(
  method: string,
  target: string,
  minor: number,
  headers: Record<string, string>,
): RequestHead | HeadFault {
  if (minor === 1 && headers.host === undefined) return { fault: 'the header host is missing' }
  const bodyBytes = bodyBytesOf(headers, minor)
  if (typeof bodyBytes === 'string') return { fault: bodyBytes }
  const { connection, expect } = headers
  if (expect !== undefined && expect.toLowerCase() !== '100-continue')
    return { fault: 'it expects what is not offered' }
  return {
    method,
    target,
    headers,
    bodyBytes,
    isKeptAlive: isKeptAlive(connection, minor),
    expectsContinue: expect !== undefined && minor === 1,
    minor,
  }
}

function bodyBytesOf(headers: Record<string, string>, minor: number): number | string {
  const length = headers['content-length']
  const coding = headers['transfer-encoding']
  if (coding !== undefined) {
    if (length !== undefined) return 'it has both content-length and transfer-encoding'
    if (minor === 0) return 'HTTP/1.0 has no transfer-encoding'
    return coding.toLowerCase() === 'chunked' ? -1 : 'the transfer-encoding is not chunked'
  }
  if (length === undefined) return 0
  return DIGITS.test(length) ? Number(length) : 'content-length is not a number'
}

function isKeptAlive(connection: string | undefined, minor: number): boolean {
  if (connection === undefined) return minor === 1
  const words = connection
    .toLowerCase()
    .split(',')
    .map((word) => word.trim())
  return minor === 1 ? !words.includes('close') : words.includes('keep-alive') && !words.includes('close')
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}
