import { describe, expect, test } from 'vitest'
import { parseMail } from './mail.ts'

function read(...lines: string[]) {
  return parseMail(Buffer.from(lines.join('\n'), 'latin1'))
}

const multipart = (kind: string, ...parts: string[]) =>
  read(
    `Content-Type: multipart/${kind}; boundary="=_cut"`,
    '',
    'For readers without MIME.',
    ...parts.map((part) => `--=_cut\n${part}`),
    '--=_cut--',
    'after the end',
  ).body

describe('the body', () => {
  const plain = 'Content-Type: text/plain\n\nplain words'
  const html = 'Content-Type: text/html\n\n<b>bold</b> words'
  test.each([
    ['plain', read('Subject: x', '', 'as it is').body, 'as it is'],
    ['CRLF before it', read('Subject: x\r', '\r', 'as it is').body, 'as it is'],
    [
      'quoted-printable',
      read('Content-Transfer-Encoding: quoted-printable', '', 'caf=E9 =', 'au lait').body,
      'café au lait',
    ],
    ['base64', read('Content-Transfer-Encoding: base64', '', 'aGVsbG8=').body, 'hello'],
    ['a named charset', read('Content-Type: text/plain; charset=koi8-r', '', '\xf0\xd2').body, 'Пр'],
    ['an unknown charset', read('Content-Type: text/plain; charset=DEFAULT', '', 'na\xefve').body, 'naïve'],
    ['UTF-8 without saying so', read('Subject: x', '', 'na\xc3\xafve').body, 'naïve'],
    [
      'HTML',
      read('Content-Type: text/html', '', '<p>one</p><p>t<!-- x -->wo &amp; three</p>').body.trim(),
      'one\n\ntwo & three',
    ],
    ['HTML that says it is plain', read('Subject: x', '', '<html><body>seen</body></html>').body, 'seen'],
    ['alternatives: the first that says anything', multipart('alternative', plain, html), 'plain words'],
    [
      'alternatives: an empty plain one is passed over',
      multipart('alternative', 'Content-Type: text/plain\n\n', html),
      'bold words',
    ],
    ['mixed: all text parts', multipart('mixed', plain, html), 'plain words\n\nbold words'],
    ['a part without headers', multipart('mixed', '\nbare'), 'bare'],
    [
      'an image',
      multipart('mixed', plain, 'Content-Type: image/gif\nContent-Transfer-Encoding: base64\n\nR0lG'),
      'plain words',
    ],
    ['an attachment', multipart('mixed', plain, 'Content-Disposition: attachment\n\nsecret'), 'plain words'],
    [
      'a boundary that never comes',
      read('Content-Type: multipart/mixed; boundary=x', '', 'whole').body,
      'whole',
    ],
    ['no body at all', read('Subject: x').body, ''],
  ])('%s', (_, body, expected) => expect(body).toBe(expected))

  test('parts within parts end somewhere', () => {
    const nested = Array.from(
      { length: 50 },
      (_, depth) => `Content-Type: multipart/mixed; boundary=b${depth}-\n\n--b${depth}-\n`,
    ).join('')
    expect(parseMail(Buffer.from(`${nested}Content-Type: text/plain\n\ndeep`)).body).toBe('')
  })
})

test.each([
  ['plain', 'Subject: Hello', 'Hello'],
  ['folded', 'Subject: Hello\n\tagain', 'Hello again'],
  ['encoded, Q', 'Subject: =?iso-8859-1?Q?caf=E9_noir?=', 'café noir'],
  ['encoded, B, in two words', 'Subject: =?utf-8?B?w6k=?= =?utf-8?B?w6g=?=', 'éè'],
  ['missing', 'From: a', ''],
])('a subject, %s', (_, head, subject) => expect(read(head, '', '').subject).toBe(subject))

test.each([
  [
    'the topmost Received wins over the sender',
    [
      'Received: by a; Wed, 21 Aug 2002 08:17:21 -0400 (EDT)',
      'Received: by b; Tue, 20 Aug 2002 00:00:00 +0000',
      'Date: Mon, 1 Jul 2002 00:00:00 +0000',
    ],
    '2002-08-21T12:17:21.000Z',
  ],
  [
    'a year that cannot be is passed over',
    ['Received: by a; Wed, 21 Aug 1980 08:17:21 -0400', 'Delivery-Date: Wed, 15 May 2002 08:58:23 +0000'],
    '2002-05-15T08:58:23.000Z',
  ],
  ['the sender is asked last', ['Date: Mon, 1 Jul 2002 00:00:00 +0000'], '2002-07-01T00:00:00.000Z'],
  ['nobody knows', ['Date: Wed, 30 Jul 0102 18:25:49 +0000'], undefined],
])('arrival: %s', (_, head, at) => expect(read(...head, '', '').at?.toISOString()).toBe(at))
