import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { TensorSpec } from '../contracts/index.ts'
import { type Frame, kinds } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'
import { compileRows } from './index.ts'

/** Shared with every other implementation of the link: bytes that must be written and read exactly so. */
const vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')) as {
  frames: {
    what: string
    kind: keyof typeof kinds
    priority: number
    requestId: number
    deadlineMs: number
    rows: number
    header: string
    body: string
    hex: string
  }[]
  rows: { what: string; tensors: TensorSpec[]; rows: Record<string, unknown>[]; hex: string }[]
}

describe('a frame as in the vectors', () => {
  test.each(vectors.frames)('$what', ({ kind, priority, requestId, deadlineMs, rows, header, body, hex }) => {
    const written: Uint8Array[] = []
    const writer = new FrameWriter({ write: (bytes) => written.push(bytes) > 0, cork() {}, uncork() {} })
    const [head, rest] = [Buffer.from(header, 'hex'), Buffer.from(body, 'hex')]
    writer.write(kinds[kind], priority, requestId, deadlineMs, rows, head, rest)
    writer.flush()
    expect(Buffer.concat(written).toString('hex')).toBe(hex)
    const seen: Frame[] = []
    new FrameReader(1 << 20, (frame) => seen.push(frame)).push(Buffer.from(hex, 'hex'))
    expect(seen).toEqual([
      { kind: kinds[kind], priority, requestId, deadlineMs, rows, header: head, body: rest },
    ])
  })
})

describe('rows as in the vectors', () => {
  test.each(vectors.rows)('$what', ({ tensors, rows, hex }) => {
    const codec = compileRows(tensors, 'vectors')
    const body = Buffer.from(hex, 'hex')
    expect(codec.encodeJson(rows).toString('hex')).toBe(hex)
    expect(codec.toObjects(body, rows.length)).toEqual(rows)
    expect(JSON.parse(codec.toJson(body, rows.length))).toEqual(rows)
    const batch = codec.decode([{ rows: rows.length, body }])
    expect(Buffer.from(codec.encode(batch)).toString('hex')).toBe(hex)
  })
})
