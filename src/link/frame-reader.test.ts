import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { type Frame, type FrameKind, kinds, LinkProtocolError } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'

const u32 = fc.integer({ min: 0, max: 0xffffffff })
const frames = fc.array(
  fc.record({
    kind: fc.constantFrom(...(Object.values(kinds) as FrameKind[])),
    priority: fc.integer({ min: 0, max: 255 }),
    requestId: u32,
    deadlineMs: u32,
    rows: u32,
    header: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    body: fc
      .oneof(
        { weight: 5, arbitrary: fc.integer({ min: 0, max: 300 }) },
        fc.constantFrom(16_384, 16_385, 70_000),
      )
      .map((length) => Buffer.alloc(length, length & 255)),
  }),
  { maxLength: 12 },
)

function bytesOf(sent: readonly Frame[]): Buffer {
  const written: Uint8Array[] = []
  const writer = new FrameWriter({
    write: (bytes) => written.push(bytes) > 0,
    cork: () => {},
    uncork: () => {},
  })
  for (const { kind, priority, requestId, deadlineMs, rows, header, body } of sent) {
    writer.write(kind, priority, requestId, deadlineMs, rows, header, body)
  }
  writer.flush()
  return Buffer.concat(written)
}

function read(chunks: readonly Buffer[], maxFrameBytes = 1 << 20): Frame[] {
  const seen: Frame[] = []
  const reader = new FrameReader(maxFrameBytes, (frame) => seen.push(frame))
  for (const chunk of chunks) reader.push(chunk)
  return seen
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (let index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] as number
    chunks.push(Buffer.from(bytes.subarray(at, at + size)))
    at += size
  }
  return chunks
}

describe('frames', () => {
  test.prop([frames, fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 8 })])(
    'come out as they went in, however the bytes are cut',
    (sent, sizes) => {
      expect(read(cut(bytesOf(sent), sizes))).toEqual(sent)
    },
  )

  test.prop([frames.filter((sent) => sent.length > 0)], { numRuns: 20 })(
    'come out when each byte comes alone',
    (sent) => {
      const small = sent.map((frame) => ({ ...frame, body: frame.body.subarray(0, 300) }))
      expect(read(cut(bytesOf(small), [1]))).toEqual(small)
    },
  )

  test.prop([fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 20 })])(
    'random bytes end in a protocol error or in silence, never in another error',
    (chunks) => {
      try {
        read(
          chunks.map((chunk) => Buffer.from(chunk)),
          4096,
        )
      } catch (error) {
        expect(error).toBeInstanceOf(LinkProtocolError)
      }
    },
  )

  const good = bytesOf([
    {
      kind: kinds.request,
      priority: 1,
      requestId: 1,
      deadlineMs: 0,
      rows: 1,
      header: Buffer.alloc(4),
      body: Buffer.alloc(8),
    },
  ])
  const broken = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(good)
    change(bytes)
    return bytes
  }

  test.each([
    ['a length that ends in the fixed header', broken((bytes) => bytes.writeUInt32LE(19, 0)), /shorter/],
    ['a length over the limit', broken((bytes) => bytes.writeUInt32LE(0xffffffff, 0)), /larger/],
    ['another protocol', broken((bytes) => bytes.writeUInt8(0x21, 4)), /protocol 2/],
    ['kind 0', broken((bytes) => bytes.writeUInt8(0x10, 4)), /kind 0/],
    ['a kind that is none', broken((bytes) => bytes.writeUInt8(0x1f, 4)), /kind 15/],
    ['a header longer than the frame', broken((bytes) => bytes.writeUInt32LE(13, 20)), /header of 13/],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => read([bytes])).toThrow(message)
    expect(() => read(cut(bytes, [7]))).toThrow(message)
  })

  test('a frame over the limit is refused by its length alone, before memory is taken for it', () => {
    const reader = new FrameReader(4096, () => {})
    const header = Buffer.alloc(24)
    header.writeUInt32LE(0x7fffffff, 0)
    header[4] = 0x11
    const before = process.memoryUsage().arrayBuffers
    expect(() => reader.push(header)).toThrow(LinkProtocolError)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20)
  })
})
