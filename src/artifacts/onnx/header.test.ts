import { readFileSync } from 'node:fs'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { readOnnxHeader, sourceOf } from '../index.ts'
import { onnxBytes } from '../testing/onnx-bytes.ts'

const read = (bytes: Buffer) => readOnnxHeader(sourceOf(bytes, 'm.onnx'))
const spam = readFileSync(new URL('../../../samples/spam/spam-v1.onnx', import.meta.url))

/** Reads, or is refused with the code and a place; anything else fails the test. */
function readsOrRefuses(bytes: Buffer): boolean {
  try {
    read(bytes)
    return true
  } catch (error) {
    expect(error).toMatchObject({
      code: 'artifact_unreadable',
      message: expect.stringMatching(/at byte \d+/),
    })
    return false
  }
}

describe('the header of an ONNX file', () => {
  test('a model of scikit-learn size', () => {
    expect(read(spam)).toEqual({
      irVersion: 9,
      producer: 'slipway-samples',
      opsets: { '': 18 },
      inputs: [{ name: 'features', dtype: 'float32', shape: [null, 4096] }],
      outputs: [
        { name: 'label', dtype: 'int64', shape: [null] },
        { name: 'spam_probability', dtype: 'float32', shape: [null] },
      ],
      operators: { Cast: 1, Gemm: 1, Greater: 1, Sigmoid: 1, Squeeze: 1 },
      parameters: 4096 + 3,
      parametersByType: { 1: 4096 + 2, 7: 1 },
      externalData: [],
    })
  })

  test('weights outside the file are named', () => {
    expect(read(onnxBytes({ external: true })).externalData).toEqual(['weights.bin'])
  })

  test.each<[string, Buffer, RegExp]>([
    ['nothing', Buffer.alloc(0), /at byte 0: expected an ONNX model, found an empty file/],
    ['a text', Buffer.from('# not a model\n'), /wire type|number|end/],
    ['a pickle', Buffer.from([0x80, 4, 0x95, 0x1b, 0, 0, 0, 0, 0, 0, 0]), /at byte/],
    ['no graph', onnxBytes({ graph: false }), /expected a graph, found no graph/],
    [
      'a graph cut off',
      onnxBytes().subarray(0, 40),
      /at byte 13: expected a field of \d+ bytes, found the end/,
    ],
  ])('%s is refused with its reason', (_, bytes, reason) => {
    expect(() => read(bytes)).toThrow(reason)
  })

  test('every truncation is refused or read, never a crash', () => {
    const model = onnxBytes()
    const whole = Array.from({ length: model.length }, (_, length) =>
      readsOrRefuses(model.subarray(0, length)),
    )
    expect(whole.filter((isRead) => isRead).length).toBeLessThan(3)
  })

  const mutations = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 8 })
  property.prop([mutations], { numRuns: 2000 })(
    'changed bytes are refused or read, never a crash',
    (changes) => {
      const model = onnxBytes({ width: 3, opset: 21 })
      for (const [at, byte] of changes) model[at % model.length] = byte
      readsOrRefuses(model)
    },
  )

  property.prop([fc.uint8Array({ maxLength: 300 })], { numRuns: 2000 })(
    'nor do any bytes crash it',
    (bytes) => {
      readsOrRefuses(Buffer.from(bytes))
    },
  )

  test('graphs inside graphs inside graphs end', () => {
    // An attribute (5) of a node (1) holds a graph (6), again and again.
    let graph = Buffer.alloc(0)
    const wrap = (tag: number, inner: Buffer) => {
      const head: number[] = [tag * 8 + 2]
      for (let rest = inner.length; ; rest >>>= 7) {
        head.push((rest & 127) | (rest > 127 ? 128 : 0))
        if (rest <= 127) break
      }
      return Buffer.concat([Buffer.from(head), inner])
    }
    for (let depth = 0; depth < 500; depth++) graph = wrap(1, wrap(5, wrap(6, graph)))
    expect(() => read(Buffer.concat([Buffer.from([8, 10]), wrap(7, graph)]))).toThrow(/nests deeper/)
  })
})
