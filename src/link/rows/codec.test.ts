import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { DType, TensorSpec } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { BatchMemory, compileRows, LinkProtocolError } from '../index.ts'

const tensor = (name: string, dtype: DType, shape: (number | null)[]): TensorSpec => ({ name, dtype, shape })
const pixels = compileRows([tensor('pixels', 'float32', [3])], 'digits')

/** JSON values that a type holds without loss. */
const exact: Record<DType, fc.Arbitrary<unknown>> = {
  float32: fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
  float64: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
  int32: fc.integer(),
  int64: fc.oneof(
    fc.maxSafeInteger(),
    fc
      .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
      .filter((value) => value > 2n ** 53n || value < -(2n ** 53n))
      .map(String),
  ),
  bool: fc.boolean(),
  string: fc.string({ unit: 'grapheme', maxLength: 40 }),
}

function valueFor(dtype: DType, dimensions: readonly number[]): fc.Arbitrary<unknown> {
  const [length, ...inner] = dimensions
  if (length === undefined) return exact[dtype]
  return fc.array(valueFor(dtype, inner), { minLength: length, maxLength: length })
}

/** A contract, and rows for it that agree in their free dimensions. */
const contracts = fc
  .array(
    fc.record({
      dtype: fc.constantFrom<DType>('float32', 'float64', 'int32', 'int64', 'bool', 'string'),
      dimensions: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
      free: fc.integer({ min: 0, max: 7 }),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .chain((tensors) => {
    const specs = tensors.map(({ dtype, dimensions, free }, index) =>
      tensor(
        `t${index}`,
        dtype,
        dimensions.map((size, place) => ((free >> place) & 1 ? null : size)),
      ),
    )
    const row = fc.record(
      Object.fromEntries(
        tensors.map(({ dtype, dimensions }, index) => [`t${index}`, valueFor(dtype, dimensions)]),
      ),
    )
    return fc.record({ specs: fc.constant(specs), rows: fc.array(row, { minLength: 1, maxLength: 5 }) })
  })

describe('rows', () => {
  test.prop([contracts])(
    'survive bytes, objects and JSON text, for every type and shape',
    ({ specs, rows }) => {
      const codec = compileRows(specs, 'any')
      const body = codec.encodeJson(rows)
      expect(codec.toObjects(body, rows.length)).toEqual(rows)
      expect(JSON.parse(codec.toJson(body, rows.length))).toEqual(rows)
      if (codec.rowBytes !== null) expect(body.length).toBe(rows.length * codec.rowBytes)
    },
  )

  test.prop([contracts, fc.integer({ min: 0, max: 7 })])(
    'of several requests gather into one batch and scatter back to each',
    ({ specs, rows }, offset) => {
      const codec = compileRows(specs, 'any')
      const one = codec.encodeJson(rows)
      const two = codec.encodeJson(rows.slice(0, 1))
      // An odd offset, as bodies have that are views of a socket's chunk.
      const shifted = Buffer.concat([Buffer.alloc(offset), two]).subarray(offset)
      expect(codec.inspect(one, rows.length)).toBe(codec.inspect(shifted, 1))
      const batch = codec.decode([
        { rows: 1, body: shifted },
        { rows: rows.length, body: one },
      ])
      expect(codec.mismatch(batch)).toBeUndefined()
      expect(Buffer.from(codec.encode(batch, 0, 1))).toEqual(Buffer.from(two))
      expect(Buffer.from(codec.encode(batch, 1))).toEqual(Buffer.from(one))
      // The same in memory that held another batch.
      const memory = new BatchMemory()
      codec.decode([{ rows: 1, body: two }], memory)
      const larger = codec.decode(
        [
          { rows: 1, body: shifted },
          { rows: rows.length, body: one },
        ],
        memory,
      )
      expect(larger).toEqual(batch)
      const smaller = codec.decode([{ rows: 1, body: shifted }], memory)
      expect(codec.mismatch(smaller)).toBeUndefined()
      expect(Buffer.from(codec.encode(smaller))).toEqual(Buffer.from(two))
    },
  )

  test.prop([contracts, fc.array(fc.uint8Array({ maxLength: 120 }), { maxLength: 3 }), fc.nat(9)])(
    'of random bytes are refused or are rows, never another error',
    ({ specs }, bodies, rows) => {
      const codec = compileRows(specs, 'any')
      for (const body of bodies) {
        let isSound = true
        try {
          codec.inspect(body, rows)
        } catch (error) {
          expect(error).toBeInstanceOf(LinkProtocolError)
          isSound = false
        }
        if (isSound) {
          expect(codec.toObjects(body, rows)).toHaveLength(rows)
          expect(codec.decode([{ rows, body }]).rows).toBe(rows)
        }
      }
    },
  )

  test('answer to `features` when there is one input', () => {
    expect(pixels.encodeJson([{ features: [1, 2, 3] }])).toEqual(pixels.encodeJson([{ pixels: [1, 2, 3] }]))
  })

  const scalar = (dtype: DType) => compileRows([tensor('x', dtype, [])], 'm')
  const pair = compileRows([tensor('a', 'int32', []), tensor('b', 'string', [])], 'm')
  const grid = compileRows([tensor('grid', 'float64', [2, 2])], 'm')
  const words = compileRows([tensor('ids', 'int64', [null])], 'm')

  test.each([
    ['too short', pixels, [{ pixels: [1, 2] }], '/inputs/0/pixels', /must have 3 values, has 2/],
    [
      'too long, in the second row',
      pixels,
      [{ pixels: [1, 2, 3] }, { pixels: [1, 2, 3, 4] }],
      '/inputs/1/pixels',
      /has 4/,
    ],
    ['a number for an array', pixels, [{ features: 1 }], '/inputs/0/features', /array of 3 values, is 1/],
    [
      'null in it, as JSON makes of NaN',
      pixels,
      [{ pixels: [1, null, 3] }],
      '/inputs/0/pixels/1',
      /finite.*is null/,
    ],
    ['NaN', pixels, [{ pixels: [1, Number.NaN, 3] }], '/inputs/0/pixels/1', /is NaN/],
    ['infinity', pixels, [{ pixels: [1, 2, Number.POSITIVE_INFINITY] }], '/inputs/0/pixels/2', /is Infinity/],
    ['beyond float32', pixels, [{ pixels: [1e39, 2, 3] }], '/inputs/0/pixels/0', /float32 can hold/],
    ['a string for a number', pixels, [{ pixels: ['1', 2, 3] }], '/inputs/0/pixels/0', /is a string/],
    ['no field', pixels, [{}], '/inputs/0/pixels', /is missing/],
    ['a field too many', pixels, [{ pixels: [1, 2, 3], label: 1 }], '/inputs/0/label', /not an input/],
    [
      'both name and alias',
      pixels,
      [{ pixels: [1, 2, 3], features: [1, 2, 3] }],
      '/inputs/0/features',
      /not an input/,
    ],
    ['a row that is an array', pixels, [[1, 2, 3]], '/inputs/0', /an object keyed by input, is an array/],
    ['a row that is null', pixels, [null], '/inputs/0', /is null/],
    ['one of two missing', pair, [{ a: 1 }], '/inputs/0/b', /is missing/],
    ['the alias with two inputs', pair, [{ features: 1, b: '' }], '/inputs/0/a', /is missing/],
    ['a number for a string', pair, [{ a: 1, b: 2 }], '/inputs/0/b', /must be a string, is 2/],
    ['a fraction for an integer', pair, [{ a: 1.5, b: '' }], '/inputs/0/a', /integer of 32 bits, is 1.5/],
    ['an integer too large', pair, [{ a: 2 ** 31, b: '' }], '/inputs/0/a', /32 bits/],
    [
      'deep inside',
      grid,
      [
        {
          grid: [
            [1, 2],
            [3, 'x'],
          ],
        },
      ],
      '/inputs/0/grid/1/1',
      /is a string/,
    ],
    [
      'a ragged fixed shape',
      grid,
      [{ grid: [[1, 2], [3]] }],
      '/inputs/0/grid/1',
      /must have 2 values, has 1/,
    ],
    ['an unsafe int64', scalar('int64'), [{ x: 2 ** 53 }], '/inputs/0/x', /decimal string/],
    ['an int64 of 65 bits', scalar('int64'), [{ x: '9223372036854775808' }], '/inputs/0/x', /64 bits/],
    ['0 for a bool', scalar('bool'), [{ x: 0 }], '/inputs/0/x', /true or false/],
    [
      'rows of other lengths',
      words,
      [{ ids: [1, 2] }, { ids: [1] }],
      '/inputs/1/ids',
      /2 values as in row 0/,
    ],
  ])('refuse %s', (_, codec, rows, pointer, reason) => {
    const error = thrownBy(() => codec.encodeJson(rows))
    expect(error).toMatchObject({ code: 'rows_invalid', pointer })
    expect(error.parameters.reason).toMatch(reason)
  })

  test('refuse none at all', () => {
    expect(thrownBy(() => pixels.encodeJson([]))).toMatchObject({
      code: 'invalid_request',
      pointer: '/inputs',
    })
    expect(() => pixels.inspect(Buffer.alloc(0), 0)).toThrow(LinkProtocolError)
  })

  test('may be a million', () => {
    const codec = compileRows([tensor('x', 'float32', [])], 'm')
    const rows = Array.from({ length: 1_000_000 }, (_, index) => ({ x: index % 1000 }))
    const body = codec.encodeJson(rows)
    expect(body.length).toBe(4_000_000)
    const { data } = codec.decode([{ rows: rows.length, body }]).tensors.x!
    expect(data[999_999]).toBe(999)
  })

  test('whose free dimensions differ have different keys', () => {
    const short = words.encodeJson([{ ids: [1] }])
    const long = words.encodeJson([{ ids: [1, 2] }])
    expect(words.inspect(short, 1)).not.toBe(words.inspect(long, 1))
    expect(() => words.inspect(Buffer.concat([short, long]), 2)).toThrow(/another shape/)
  })

  test('that claim more than their body holds are refused, without memory for the claim', () => {
    const absurd = Buffer.alloc(8)
    absurd.writeUInt32LE(0xffffffff, 0)
    expect(() => words.inspect(absurd, 1)).toThrow(LinkProtocolError)
    const emptyGrid = compileRows([tensor('x', 'float32', [null, null])], 'm')
    expect(() => emptyGrid.inspect(Buffer.from([255, 255, 255, 255, 0, 0, 0, 0]), 1)).toThrow(/absurd/)
  })
})

describe('raw rows', () => {
  const floats = (...values: number[]) => Buffer.from(new Float32Array(values).buffer)

  test('are counted', () => {
    expect(pixels.checkRaw(floats(1, 2, 3, 4, 5, 6))).toBe(2)
  })

  test.prop([fc.array(fc.float(), { minLength: 3, maxLength: 3 }), fc.integer({ min: 0, max: 7 })])(
    'are refused exactly when a float is not finite, wherever they lie in memory',
    (values, offset) => {
      const body = Buffer.concat([Buffer.alloc(offset), floats(...values)]).subarray(offset)
      if (values.every(Number.isFinite)) expect(pixels.checkRaw(body)).toBe(1)
      else expect(thrownBy(() => pixels.checkRaw(body)).parameters.field).toMatch(/^pixels\[\d\]$/)
    },
  )

  test.each([
    ['no rows', pixels, Buffer.alloc(0), /no multiple of the 12/],
    ['half a row', pixels, floats(1, 2, 3, 4), /no multiple/],
    ['NaN', pixels, floats(1, 2, 3, 4, Number.NaN, 6), /finite/],
    ['infinity', pixels, floats(1, 2, Number.NEGATIVE_INFINITY), /finite/],
    ['a bool of 2', compileRows([tensor('x', 'bool', [])], 'm'), Buffer.from([1, 2]), /true or false/],
    ['strings', compileRows([tensor('x', 'string', [])], 'm'), Buffer.from('abc'), /no fixed size/],
  ])('are refused for %s', (_, codec, body, reason) => {
    const error = thrownBy(() => codec.checkRaw(body))
    expect(error.code).toBe('rows_invalid')
    expect(error.parameters.reason).toMatch(reason)
  })
})

describe('a batch', () => {
  const codec = compileRows([tensor('label', 'int64', []), tensor('scores', 'float32', [2])], 'm')
  const label = { dtype: 'int64' as const, shape: [1], data: new BigInt64Array([3n]) }
  const scores = { dtype: 'float32' as const, shape: [1, 2], data: new Float32Array([0.25, 0.75]) }

  test('as specified has no mismatch', () => {
    const batch = { rows: 1, tensors: { label, scores } }
    expect(codec.mismatch(batch)).toBeUndefined()
    expect(codec.toJson(codec.encode(batch), 1)).toBe('[{"label":3,"scores":[0.25,0.75]}]')
  })

  test('with NaN answers null', () => {
    const batch = {
      rows: 1,
      tensors: { label, scores: { ...scores, data: new Float32Array([Number.NaN, 1]) } },
    }
    expect(codec.toJson(codec.encode(batch), 1)).toBe('[{"label":3,"scores":[null,1]}]')
  })

  test.each([
    ['a tensor is missing', { label }, /scores is missing/],
    ['a type differs', { label, scores: { ...scores, dtype: 'float64' as const } }, /float64, not float32/],
    ['rows differ', { label, scores: { ...scores, shape: [2, 2] } }, /2 rows, not 1/],
    ['a shape differs', { label, scores: { ...scores, shape: [1, 3] } }, /\[3\], not \[2\]/],
    ['values are too few', { label, scores: { ...scores, data: new Float32Array(1) } }, /1 values, not 2/],
  ])('says so when %s', (_, tensors, reason) => {
    expect(codec.mismatch({ rows: 1, tensors })).toMatch(reason)
  })
})

function thrownBy(work: () => unknown): SlipwayError {
  try {
    work()
  } catch (error) {
    if (error instanceof SlipwayError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

test('memory grows with the batches', () => {
  const memory = new BatchMemory()
  for (const rows of [1, 2000, 3]) {
    const body = pixels.encodeJson(Array.from({ length: rows }, (_, row) => ({ pixels: [row, 1, 2] })))
    const { data } = pixels.decode([{ rows, body }], memory).tensors.pixels!
    expect(data).toHaveLength(rows * 3)
    expect(Buffer.from(pixels.encode(pixels.decode([{ rows, body }], memory)))).toEqual(body)
  }
})
