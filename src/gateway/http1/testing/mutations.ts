import { type Random, seededRandom } from '../../../kernel/index.ts'

/** Request bytes that have been used to make two readers disagree, or could be. */
const CORPUS: readonly string[] = [
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nA\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nAB',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nA',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nA',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\nA',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 \r\n\r\nAGET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\nA',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b;c="d"\r\nA\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;\nA\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nA\n0\n\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nA\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\nA\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n 1\r\nA\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100000000000000001\r\nA\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nABCD\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\nX: y\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 9\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n',
  'GET / HTTP/1.1\r\n Host: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n',
  'GET / HTTP/1.1\nHost: a\n\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET //b/../c HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1 \r\nHost: a\r\n\r\n',
  'GET  / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /\tx HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/2.0\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.2\r\nHost: a\r\n\r\n',
  'GET / HTTP/01.1\r\nHost: a\r\n\r\n',
  'GET /\r\n\r\n',
  'get / HTTP/1.1\r\nHost: a\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  '\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
  '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n',
  'GET / HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n',
  'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi',
  'GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\nCookie: c=d\r\nAccept: x\r\nAccept: y\r\n\r\n',
]
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS']
const TARGETS = [
  '/',
  '/v1/chat/completions',
  '/api/v1/models/m/predict?x=%20&y=1',
  '/a%00b',
  '*',
  '/a#b',
  'http://a/b',
]
const NAMES = [
  'Accept',
  'x-a',
  'X-Api-Key',
  'Content-Type',
  'User-Agent',
  'Cookie',
  'Authorization',
  'Connection',
  'TE',
  'Referer',
  'constructor',
  '__proto__',
  'Expect',
  'Keep-Alive',
  'Upgrade',
]
const VALUES = [
  'a',
  '',
  ' b ',
  '\tc',
  'close',
  'keep-alive',
  'chunked',
  'a, b',
  '"q"',
  'é',
  '0',
  '100-continue',
  'x'.repeat(300),
  'upgrade, close',
]
const BYTES = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '0',
  '9',
  'a',
  'F',
  '\x7f',
  '\x80',
  '\xff',
  '\x0b',
  '\x0c',
  '\r\n\r\n',
  '+',
  '-',
  '"',
  '\\',
  'chunked',
  'Content-Length: 4\r\n',
  'Transfer-Encoding: chunked\r\n',
]

/** A stream of requests, mostly well-formed and then damaged; the same for the same seed. */
export function requestBytes(seed: number): {
  readonly bytes: Buffer
  readonly pieces: Buffer[]
} {
  const random = seededRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const count = 1 + Math.floor(random() * 3)
  let text = ''
  for (let index = 0; index < count; index++) text += random() < 0.3 ? pick(CORPUS) : wellFormed(random, pick)
  const damages = random() < 0.15 ? 0 : 1 + Math.floor(random() * 4)
  for (let index = 0; index < damages; index++) text = damaged(text, random, pick)
  const bytes = Buffer.from(text, 'latin1')
  return { bytes, pieces: cut(bytes, random) }
}

function wellFormed(random: Random, pick: <T>(from: readonly T[]) => T): string {
  let head = `${pick(METHODS)} ${pick(TARGETS)} HTTP/1.${random() < 0.9 ? 1 : 0}\r\nHost: a\r\n`
  const fields = Math.floor(random() * 4)
  for (let index = 0; index < fields; index++) head += `${pick(NAMES)}: ${pick(VALUES)}\r\n`
  const body = 'body'.repeat(Math.floor(random() * 4))
  const kind = random()
  if (kind < 0.35) return `${head}\r\n`
  if (kind < 0.7) return `${head}Content-Length: ${body.length}\r\n\r\n${body}`
  let chunks = ''
  for (let at = 0; at < body.length; ) {
    const size = 1 + Math.floor(random() * 5)
    const chunk = body.slice(at, at + size)
    chunks += `${chunk.length.toString(16)}${random() < 0.2 ? ';x=y' : ''}\r\n${chunk}\r\n`
    at += size
  }
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n${random() < 0.2 ? 'X-T: v\r\n' : ''}\r\n`
}

function damaged(text: string, random: Random, pick: <T>(from: readonly T[]) => T): string {
  const at = Math.floor(random() * (text.length + 1))
  const length = 1 + Math.floor(random() * 4)
  switch (Math.floor(random() * 6)) {
    case 0:
      return text.slice(0, at) + text.slice(at + length)
    case 1:
      return text.slice(0, at) + pick(BYTES) + text.slice(at)
    case 2:
      return text.slice(0, at) + pick(BYTES) + text.slice(at + length)
    case 3:
      return text.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(at + 1)
    case 4: {
      const from = Math.floor(random() * text.length)
      return text.slice(0, at) + text.slice(from, from + 1 + Math.floor(random() * 30)) + text.slice(at)
    }
    default:
      return text.slice(0, at)
  }
}

function cut(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = []
  const most = random() < 0.5 ? bytes.length : 1 + Math.floor(random() * 40)
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + Math.floor(random() * most)
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}
