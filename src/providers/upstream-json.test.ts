import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import type { TensorSpec } from '../contracts/index.ts'
import { compileRows } from '../link/index.ts'
import { rowsAsWritten } from './upstream-json.ts'

const float: TensorSpec = { name: 'x', dtype: 'float32', shape: [2] }
const int: TensorSpec = { name: 'n', dtype: 'int64', shape: [] }
const small: TensorSpec = { name: 'k', dtype: 'int32', shape: [] }
const text: TensorSpec = { name: 't', dtype: 'string', shape: [] }
const flag: TensorSpec = { name: 'b', dtype: 'bool', shape: [] }

/** Rows that the codec accepts in this text, and what may be passed on of them. */
function written(tensors: TensorSpec[], body: string, member = 'inputs') {
  const codec = compileRows(tensors, 'm')
  const rows = (JSON.parse(body) as Record<string, unknown[]>)[member] as unknown[]
  codec.encodeJson(rows)
  const found = rowsAsWritten(codec, member)(Buffer.from(body), rows.length)
  return found === undefined ? undefined : { rows: found.rows.toString(), isAlone: found.isAlone }
}

describe('passed on as written', () => {
  test.each<[string, TensorSpec[], string, string, boolean]>([
    ['nothing beside it', [float], '{"inputs":[{"x":[1,2]}]}', '[{"x":[1,2]}]', true],
    [
      'more digits than a float32 has',
      [float],
      '{"inputs":[{"x":[0.1234567891,1e-3]}]}',
      '[{"x":[0.1234567891,1e-3]}]',
      true,
    ],
    ['a user after it', [float], '{"inputs":[{"x":[1,2]}] , "user":"a"}', '[{"x":[1,2]}] ', false],
    [
      'fields with objects before it',
      [float],
      '{"params":{"inputs":{"a":[1]}},"inputs":[{"x":[1,2]}]}',
      '[{"x":[1,2]}]',
      false,
    ],
    [
      'braces, colons and quotes in strings',
      [text, small],
      '{"user":"\\"inputs\\":[{","inputs":[{"t":"a:\\"}],{é","k":1}]}',
      '[{"t":"a:\\"}],{é","k":1}]',
      false,
    ],
    [
      'whole numbers, true and false',
      [int, small, flag],
      '{"inputs":[{"n":-7,"k":3,"b":true},{"n":8,"k":4,"b":false}]}',
      '[{"n":-7,"k":3,"b":true},{"n":8,"k":4,"b":false}]',
      true,
    ],
    [
      'fractions beside whole numbers',
      [float, small],
      '{"inputs":[{"x":[1.05,2.5],"k":3}]}',
      '[{"x":[1.05,2.5],"k":3}]',
      true,
    ],
  ])('%s', (_, tensors, body, rows, isAlone) => {
    const found = written(tensors, body)
    expect([found?.rows.trim(), found?.isAlone]).toEqual([rows.trim(), isAlone])
  })
})

describe('written anew, since readers may differ', () => {
  test.each<[string, TensorSpec[], string]>([
    ['the member twice', [float], '{"inputs":[{"x":[9,9]}],"inputs":[{"x":[1,2]}]}'],
    ['the member twice, empty at first', [float], '{"inputs":[],"inputs":[{"x":[1,2]}]}'],
    ['the member in escapes', [float], '{"\\u0069nputs":[{"x":[1,2]}]}'],
    ['the member plain, then in escapes', [float], '{"inputs":[{"x":[9,9]}],"\\u0069nputs":[{"x":[1,2]}]}'],
    ['a field twice', [float, small], '{"inputs":[{"x":[9,9],"k":1,"x":[1,2]}]}'],
    ['the alias of the only tensor', [float], '{"inputs":[{"features":[1,2]}]}'],
    ['the alias in escapes', [float], '{"inputs":[{"\\u0066eatures":[1,2]}]}'],
    ['a whole number with a fraction', [small], '{"inputs":[{"k":1.0}]}'],
    ['a whole number with an exponent', [small], '{"inputs":[{"k":2e0}]}'],
    ['a small int64 as a string', [int], '{"inputs":[{"n":"5"}]}'],
    ['int64 and strings in one row', [int, text], '{"inputs":[{"n":5,"t":"a"}]}'],
  ])('%s', (_, tensors, body) => expect(written(tensors, body)).toBeUndefined())
})

test('bytes that are no UTF-8 are not passed on', () => {
  const codec = compileRows([text], 'm')
  const body = Buffer.from('{"inputs":[{"t":"\xff"}]}', 'latin1')
  expect(rowsAsWritten(codec, 'inputs')(body, 1)).toBeUndefined()
})

property.prop([
  fc.array(fc.record({ x: fc.tuple(fc.integer(), fc.integer()), t: fc.string({ unit: 'grapheme' }) }), {
    minLength: 1,
  }),
  fc.dictionary(
    fc.string().filter((name) => name !== 'outputs'),
    fc.jsonValue(),
  ),
  fc.integer({ min: 0, max: 3 }),
])('what is passed on reads as the rows, whatever stands around them', (outputs, more, indent) => {
  const body = JSON.stringify({ ...more, outputs, more }, null, indent)
  const found = written([float, text], body, 'outputs')
  // Names in escapes are the one thing here that may keep rows from being passed on.
  if (found === undefined)
    expect(Object.keys(more).some((name) => JSON.stringify(name).includes('\\'))).toBe(true)
  else expect(JSON.parse(found.rows)).toEqual(outputs)
})
