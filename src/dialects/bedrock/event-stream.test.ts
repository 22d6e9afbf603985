import { crc32 } from 'node:zlib'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { UpstreamBroken } from '../dialect.ts'
import { chunksOf } from '../testing/arbitraries.ts'
import { frame, textHeader } from './bedrock.fixtures.ts'
import { EventStreamReader } from './event-stream.ts'

function read(chunks: readonly Buffer[], limits = {}) {
  const messages: { headers: Record<string, string | boolean>; payload: string }[] = []
  const reader = new EventStreamReader(
    ({ headers, payload }) =>
      messages.push({ headers: Object.fromEntries(headers), payload: payload.toString('latin1') }),
    limits,
  )
  for (const chunk of chunks) reader.push(chunk)
  return { messages, isWithin: reader.isWithin }
}

/** Bytes written out by hand; the checksums are CRC-32 of IEEE 802.3 as Python's zlib.crc32 gives them. */
const EMPTY = Buffer.from('000000100000000005c248eb7d98c8ff', 'hex')
const NAMED = Buffer.from(
  '0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f' +
    '6a736f6e7b27666f6f273a27626172277d8d9c08b1',
  'hex',
)

describe('reference vectors', () => {
  test.each([
    ['nothing in it', EMPTY, { headers: {}, payload: '' }],
    [
      'a header and a payload',
      NAMED,
      { headers: { 'content-type': 'application/json' }, payload: "{'foo':'bar'}" },
    ],
  ])('%s', (_, bytes, message) => expect(read([bytes])).toEqual({ messages: [message], isWithin: false }))
})

describe('headers of every type are passed over, texts and flags kept', () => {
  const header = (type: number, value: number[]) => Buffer.from([1, 0x61, type, ...value])
  test.each([
    ['true', header(0, []), { a: true }],
    ['false', header(1, []), { a: false }],
    ['byte', header(2, [1]), {}],
    ['short', header(3, [0, 1]), {}],
    ['integer', header(4, Array(4).fill(0)), {}],
    ['long', header(5, Array(8).fill(0)), {}],
    ['bytes', header(6, [0, 2, 1, 1]), {}],
    ['text', header(7, [0, 2, 0x62, 0x63]), { a: 'bc' }],
    ['timestamp', header(8, Array(8).fill(0)), {}],
    ['uuid', header(9, Array(16).fill(0)), {}],
  ])('%s', (_, bytes, headers) => {
    const framed = frame(Buffer.concat([bytes, textHeader('z', 'last')]), Buffer.from('x'))
    expect(read([framed]).messages).toEqual([{ headers: { ...headers, z: 'last' }, payload: 'x' }])
  })
})

property.prop([
  fc.array(fc.tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.uint8Array({ maxLength: 300 })), {
    maxLength: 5,
  }),
  fc.array(fc.nat({ max: 40 }), { maxLength: 60 }),
])('what was framed is read, at any split', (sent, cuts) => {
  const bytes = Buffer.concat(
    sent.map(([text, payload]) => frame(textHeader('n', text), Buffer.from(payload))),
  )
  expect(read(chunksOf(bytes, cuts))).toEqual({
    messages: sent.map(([text, payload]) => ({
      headers: { n: text },
      payload: Buffer.from(payload).toString('latin1'),
    })),
    isWithin: false,
  })
})

property.prop([fc.nat(), fc.integer({ min: 1, max: 255 })])(
  'no changed byte passes for a message',
  (place, change) => {
    const bytes = Buffer.concat([NAMED, EMPTY])
    const at = place % NAMED.length
    bytes.writeUInt8((bytes[at] as number) ^ change, at)
    expect(() => read([bytes])).toThrow(UpstreamBroken)
  },
)

describe('refused', () => {
  const sized = (bytes: number) => frame(Buffer.alloc(0), Buffer.alloc(bytes - 16))
  test('more than the limit, before it is held', () =>
    expect(() => read([sized(1001).subarray(0, 12)], { maxMessageBytes: 1000 })).toThrow('larger than 1000'))
  test('just the limit is taken', () =>
    expect(read([sized(1000)], { maxMessageBytes: 1000 }).messages).toHaveLength(1))
  test('a stream that is too long', () =>
    expect(() => read([EMPTY, EMPTY], { maxTotalBytes: 20 })).toThrow('longer than 20'))
  test('a header that is cut off', () =>
    expect(() => read([frame(Buffer.from([9, 0x61]), Buffer.alloc(0))])).toThrow('cut off'))
  test('more headers than bytes', () => {
    const bytes = Buffer.from(EMPTY)
    bytes.writeUInt32BE(1, 4)
    bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8)
    expect(() => read([bytes])).toThrow('more headers than bytes')
  })
  test('a header of unknown type', () =>
    expect(() => read([frame(Buffer.from([1, 0x61, 10]), Buffer.alloc(0))])).toThrow('unknown type'))
})
