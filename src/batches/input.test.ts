import { fc, test as property } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { checkInput } from './check-input.ts'
import { type Line, readLines } from './read-lines.ts'

async function* inChunks(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let start = 0
  for (let turn = 0; start < bytes.length; turn++) {
    const end = start + (sizes[turn % sizes.length] as number)
    yield bytes.subarray(start, end)
    start = end
  }
}

async function linesOf(text: string, maxBytes: number, sizes: readonly number[]): Promise<Line[]> {
  const lines: Line[] = []
  for await (const line of readLines(inChunks(Buffer.from(text), sizes), maxBytes)) lines.push(line)
  return lines
}

const texts = fc
  .array(fc.constantFrom('a', 'é', '\n', '\r\n', '{}', '  '), { maxLength: 60 })
  .map((all) => all.join(''))

property.prop([texts, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 })])(
  'lines are the same however the bytes come',
  async (text, sizes) => {
    const expected = text
      .split('\n')
      .map((line, index) => ({ number: index + 1, text: line.replace(/\r$/, '') }))
      .filter((line) => line.text.trim() !== '')
      .map((line, index) => ({ ...line, ordinal: index + 1 }))
    const lines = await linesOf(text, 1000, sizes)
    expect(lines.map(({ bytes, number, ordinal }) => ({ number, text: bytes?.toString(), ordinal }))).toEqual(
      expected,
    )
  },
)

test('of a line that is too long nothing is kept, and those after it are read', async () => {
  const lines = await linesOf(`short\n${'x'.repeat(100)}\nend`, 10, [8])
  expect(lines.map(({ bytes, number }) => [number, bytes?.toString()])).toEqual([
    [1, 'short'],
    [2, undefined],
    [3, 'end'],
  ])
})

test('a byte order mark is no part of the first line', async () => {
  expect((await linesOf('\ufeff{}\n{}', 10, [64])).map(({ bytes }) => bytes?.toString())).toEqual([
    '{}',
    '{}',
  ])
})

const limits = { maxLines: 50_000, maxLineBytes: 1000, maxErrors: 5 }
const check = (text: string | Buffer, more = {}) =>
  checkInput(inChunks(Buffer.from(text), [11]), '/v1/embeddings', { ...limits, ...more })

test('errors are told in the order of the lines, up to a bound', async () => {
  const { errors } = await check(Array(20).fill('{').join('\n'))
  expect(errors.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5])
})

test('what is not UTF-8 is no JSON', async () => {
  const { errors } = await check(Buffer.from([0x7b, 0xff, 0x7d]))
  expect(errors).toMatchObject([{ code: 'invalid_json_line', line: 1, message: 'The line is not UTF-8.' }])
})

test('ids that differ in one character only are no duplicates', async () => {
  const line = (id: string) =>
    JSON.stringify({ custom_id: id, method: 'POST', url: '/v1/embeddings', body: { model: 'm', input: 'x' } })
  const { errors, model, total } = await check([line('a'), line('A'), line('a ')].join('\n'))
  expect({ errors, model, total }).toEqual({ errors: [], model: 'm', total: 3 })
})
