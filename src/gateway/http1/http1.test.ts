import { describe, expect, test } from 'vitest'
import { disagreement, readByNode, readByOurs } from './testing/messages-of.ts'
import { requestBytes } from './testing/mutations.ts'

const whole = (text: string) => readByOurs([Buffer.from(text, 'latin1')])
const post = (more: string) => `POST / HTTP/1.1\r\nHost: a\r\n${more}`

describe('beside node:http', () => {
  test('what it takes of 20,000 damaged streams node takes too, and for the same', () => {
    for (let seed = 0; seed < 20_000; seed++) {
      const { bytes, pieces } = requestBytes(seed)
      const found = disagreement(readByOurs(pieces), readByNode(bytes))
      if (found !== undefined) expect.fail(`seed ${seed}: ${found}`)
    }
  })

  // Found among ten million: a coding with a tab behind it; a connection of HTTP/1.0 that is both kept and closed.
  test.each([318_959, 1_011_759, 1_423_124, 4_386_333])('stream %i, once read otherwise', (seed) => {
    const { bytes, pieces } = requestBytes(seed)
    expect(disagreement(readByOurs(pieces), readByNode(bytes))).toBeUndefined()
  })

  test('streams are read alike however they are cut', () => {
    let read = 0
    for (let seed = 0; seed < 2000; seed++) {
      const { bytes, pieces } = requestBytes(seed)
      const cut = readByOurs(pieces)
      const whole = readByOurs([bytes])
      // Which fault is seen first depends on how much is there.
      expect([cut.messages, cut.isOver]).toEqual([whole.messages, whole.isOver])
      read += cut.messages.length
    }
    expect(read).toBeGreaterThan(500)
  })
})

describe('is refused', () => {
  test.each<[string, string, string]>([
    ['two lengths', post('Content-Length: 1\r\nContent-Length: 1\r\n\r\nA'), 'came twice'],
    ['a length and chunks', post('Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'), 'both'],
    ['another coding', post('Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'), 'not chunked'],
    ['a coding written otherwise', post('Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n'), 'control'],
    ['a blank behind a coding', post('Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n'), 'blank'],
    ['a space before the colon', post('Content-Length : 1\r\n\r\nA'), 'not a token'],
    ['a folded line', post('X: a\r\n b\r\n\r\n'), 'no name'],
    ['a bare line feed', post('X: a\nY: b\r\n\r\n'), 'control'],
    ['a head of bare line feeds', 'GET / HTTP/1.1\nHost: a\n\n', 'CRLF'],
    ['a NUL in a value', post('X: a\0b\r\n\r\n'), 'control'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 'host is missing'],
    ['two hosts', post('Host: b\r\n\r\n'), 'came twice'],
    ['two credentials', post('Authorization: a\r\nAuthorization: b\r\n\r\n'), 'came twice'],
    ['a signed length', post('Content-Length: +1\r\n\r\nA'), 'not a number'],
    ['a length beyond all', post('Content-Length: 99999999999999999999\r\n\r\n'), 'not a number'],
    ['chunks for HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 'HTTP/1.0'],
    ['a chunk longer than it said', post('Transfer-Encoding: chunked\r\n\r\n1\r\nAB\r\n'), 'longer than'],
    ['a size in other words', post('Transfer-Encoding: chunked\r\n\r\n0x1\r\nA\r\n'), 'not a number'],
    ['a chunk line without CR', post('Transfer-Encoding: chunked\r\n\r\n1\nA'), 'CRLF'],
    [
      'a trailer that is a length',
      post('Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 1\r\n'),
      'trailer',
    ],
    ['an endless extension', post(`Transfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(5000)}`), 'too long'],
    ['an unknown method', 'BREW / HTTP/1.1\r\nHost: a\r\n\r\n', 'method'],
    ['a tunnel', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 'method'],
    ['HTTP/2 without TLS', 'PRI * HTTP/2.0\r\n\r\n', 'first line'],
    ['a target with a space', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', 'target'],
    ['a head without end', `GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}`, 'too-large'],
    ['an unknown expectation', post('Expect: tea\r\n\r\n'), 'expects'],
  ])('%s', (_, text, reason) => {
    const { fault, messages } = whole(text)
    expect(fault).toContain(reason)
    expect(messages).toEqual([])
  })
})

test('what was sent ahead is answered in order, and nothing after a refusal', () => {
  const one = 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n'
  const two = post('Content-Length: 2\r\n\r\nhi')
  const { fault, messages } = whole(`${one}${two}\r\n${one}X`)
  expect(messages.map((text) => JSON.parse(text)[1])).toEqual(['/1', '/', '/1'])
  expect(fault).toBeUndefined()
  expect(whole(`${one}BREW / HTTP/1.1\r\nHost: a\r\n\r\n${one}`).messages).toHaveLength(1)
})

test('names of objects are names like any other', () => {
  const { messages } = whole('GET / HTTP/1.1\r\nHost: a\r\nconstructor: b\r\ntoString: c\r\n\r\n')
  expect(messages[0]).toContain('["constructor","b"]')
})
