import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import {
  EventSplitter,
  parseEvent,
  type SseEvent,
  SseLimitExceeded,
  SseReader,
  sseComment,
  sseEvent,
} from '../index.ts'

const data = (text: string): SseEvent => ({ event: undefined, data: text, id: undefined })

describe('accept LF, CR, CRLF and mixtures, characters split over chunks, several events in a chunk', () => {
  test.each<[string, string, SseEvent[]]>([
    ['LF', 'data: a\n\ndata: b\n\n', [data('a'), data('b')]],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', [data('a'), data('b')]],
    ['CR', 'data: a\r\rdata: b\r\r', [data('a'), data('b')]],
    ['CR, three', 'data: a\r\rdata: b\r\rdata: c\r\r', [data('a'), data('b'), data('c')]],
    ['CRLF between data lines', 'data: a\r\ndata: b\r\n\r\n', [data('a\nb')]],
    ['LF then CRLF', 'data: a\n\r\ndata: b\n\r\n', [data('a'), data('b')]],
    ['CRLF then LF', 'data: a\r\n\ndata: b\r\n\n', [data('a'), data('b')]],
    ['LF then CR', 'data: a\n\rdata: b\n\r', [data('a'), data('b')]],
    ['CR between data lines', 'data: a\rdata: b\n\n', [data('a\nb')]],
    ['no space after the colon', 'data:{"a":1}\n\n', [data('{"a":1}')]],
    ['only one space is taken away', 'data:  a \n\n', [data(' a ')]],
    ['several data lines', 'data: a\ndata\ndata: b\n\n', [data('a\n\nb')]],
    ['empty data is an event', 'data:\n\n', [data('')]],
    ['no data is none', 'event: ping\n\nid: 3\n\n', []],
    ['name and id', 'id: 7\nevent: delta\ndata: x\n\n', [{ event: 'delta', data: 'x', id: '7' }]],
    ['name after data', 'data: x\nevent: delta\n\n', [{ event: 'delta', data: 'x', id: undefined }]],
    ['a NUL in an id', 'id: 7\0\ndata: x\n\n', [data('x')]],
    ['comments', ': hello\n\n:\ndata: a\n: inside\n\n', [data('a')]],
    ['unknown fields', 'retry: 10\nfoo: bar\ndata: a\n\n', [data('a')]],
    ['a field whose name begins like data', 'database: a\n\ndata: b\n\n', [data('b')]],
    ['a byte order mark at the start', '\uFEFFdata: a\n\ndata: \uFEFFb\n\n', [data('a'), data('\uFEFFb')]],
    ['blank lines between', '\n\n\ndata: a\n\n\n\ndata: b\n\n\n', [data('a'), data('b')]],
    ['text of four bytes a character', 'data: 😀é漢\n\n', [data('😀é漢')]],
    ['no end of line at all', 'data: [DONE]', [data('[DONE]')]],
    ['one end of line only', 'data: a\n\ndata: [DONE]\n', [data('a'), data('[DONE]')]],
    ['nothing', '', []],
  ])('%s', (_, text, events) => {
    expect(read([Buffer.from(text)])).toEqual(events)
    expect(read([...Buffer.from(text)].map((byte) => Buffer.from([byte])))).toEqual(events)
  })

  property.prop([
    fc.array(
      fc.constantFrom(
        'data: a',
        'data:',
        ':',
        'event: x',
        'id:1',
        'd',
        '\n',
        '\r',
        '\r\n',
        '\n\n',
        'é',
        '😀',
        ' ',
        '\uFEFF',
      ),
      { maxLength: 40 },
    ),
    fc.array(fc.nat({ max: 12 }), { maxLength: 60 }),
  ])('any split gives the events that a reading of the whole text gives', (pieces, cuts) => {
    const bytes = Buffer.from(pieces.join(''))
    const events = reference(bytes.toString('utf8'))
    expect(read(split(bytes, cuts))).toEqual(events)
    expect(read(split(bytes, Array(bytes.length).fill(1)))).toEqual(events)
  })
})

describe('whole events as bytes', () => {
  property.prop([
    fc.array(fc.constantFrom('data: a', ':x', '\n', '\r', '\r\n', '\n\n', '😀'), { maxLength: 40 }),
    fc.array(fc.nat({ max: 9 }), { maxLength: 60 }),
  ])('nothing is lost, added or reordered', (pieces, cuts) => {
    const bytes = Buffer.from(pieces.join(''))
    const out: Buffer[] = []
    const splitter = new EventSplitter((event) => out.push(event))
    for (const chunk of split(bytes, cuts)) splitter.push(chunk)
    const rest = splitter.end()
    expect(Buffer.concat(rest === undefined ? out : [...out, rest])).toEqual(bytes)
  })

  test('what was handed out is not written over by what comes later', () => {
    const out: Buffer[] = []
    const splitter = new EventSplitter((event) => out.push(event))
    for (const byte of Buffer.from('data: first\n\ndata: other\n\n')) splitter.push(Buffer.from([byte]))
    expect(out.map(String)).toEqual(['data: first\n\n', 'data: other\n\n'])
  })
})

describe('event size, their count and the bytes of a stream are bounded', () => {
  test.each<[string, Partial<ConstructorParameters<typeof SseReader>[1]>, string, string | undefined]>([
    ['an event as large as may be', { maxEventBytes: 9 }, 'data: a\n\n', undefined],
    ['an event larger than that', { maxEventBytes: 8 }, 'data: a\n\n', 'maxEventBytes'],
    ['an event that never ends', { maxEventBytes: 8 }, 'data: aaa', 'maxEventBytes'],
    ['as many bytes as may be', { maxTotalBytes: 18 }, 'data: a\n\ndata: a\n\n', undefined],
    ['more bytes', { maxTotalBytes: 17 }, 'data: a\n\ndata: a\n\n', 'maxTotalBytes'],
    ['as many events as may be', { maxEvents: 2 }, 'data: a\n\ndata: a\n\n', undefined],
    ['more events', { maxEvents: 1 }, 'data: a\n\ndata: a\n\n', 'maxEvents'],
  ])('%s', (_, limits, text, limit) => {
    for (const chunks of [[Buffer.from(text)], [...text].map((one) => Buffer.from(one))]) {
      const reading = () => read(chunks, limits)
      if (limit === undefined) reading()
      else expect(reading).toThrow(expect.objectContaining({ name: 'SseLimitExceeded', limit }))
    }
    expect(SseLimitExceeded.prototype).toBeInstanceOf(Error)
  })
})

describe('every event ends with a blank line; heartbeats are comments with theirs', () => {
  test.each<[string, string]>([
    [sseEvent('{"a":1}'), 'data: {"a":1}\n\n'],
    [sseEvent('{}', 'ping'), 'event: ping\ndata: {}\n\n'],
    [sseEvent('a\nb\r\nc'), 'data: a\ndata: b\ndata: c\n\n'],
    [sseComment('heartbeat'), ': heartbeat\n\n'],
    [sseComment('two\nlines'), ': two lines\n\n'],
  ])('%j', (written, expected) => expect(written).toBe(expected))

  property.prop([fc.array(fc.string({ unit: 'grapheme' }))])('what is written is read again', (texts) => {
    const lines = texts.map((text) => text.replace(/\r\n|\r/g, '\n'))
    const text = lines.map((line) => sseEvent(line) + sseComment('beat')).join('')
    expect(read([Buffer.from(text)]).map((event) => event.data)).toEqual(lines)
  })
})

test.each(['\n', '\r', '\r\n'])(
  'an event is told with its blank line, not with the next one (%j)',
  (line) => {
    const events: SseEvent[] = []
    const reader = new SseReader((event) => events.push(event))
    reader.push(Buffer.from(`data: a${line}${line}data: b${line}${line}data: c${line}`))
    expect(events).toEqual([data('a'), data('b')])
  },
)

test('an event of bytes alone reads like one of a stream', () => {
  expect(parseEvent(Buffer.from('event: x\r\ndata: y\r\n\r\n'))).toEqual({
    event: 'x',
    data: 'y',
    id: undefined,
  })
})

function read(chunks: Buffer[], limits = {}): SseEvent[] {
  const events: SseEvent[] = []
  const reader = new SseReader((event) => events.push(event), limits)
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return events
}

function split(bytes: Buffer, sizes: number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (const size of sizes) {
    chunks.push(Buffer.from(bytes.subarray(at, at + size)))
    at += size
  }
  chunks.push(Buffer.from(bytes.subarray(at)))
  return chunks
}

/** The same by the words of the standard, over the text as a whole. */
function reference(text: string): SseEvent[] {
  const events: SseEvent[] = []
  let event: { event?: string; id?: string; lines: string[] } = { lines: [] }
  const dispatch = () => {
    if (event.lines.length > 0)
      events.push({ event: event.event, data: event.lines.join('\n'), id: event.id })
    event = { lines: [] }
  }
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    if (line === '') dispatch()
    else {
      const [field, ...values] = line.split(':')
      const value = values.join(':').replace(/^ /, '')
      if (field === 'data') event.lines.push(value)
      else if (field === 'event') event.event = value
      else if (field === 'id') event.id = value
    }
  }
  dispatch()
  return events
}
