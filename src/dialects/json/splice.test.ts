import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { type FieldEdits, spliceFields } from '../index.ts'

describe('fields set and taken out in bytes', () => {
  test.each<[string, string, FieldEdits, string | undefined]>([
    ['replaced', '{"model":"a","n":1}', { model: '"b"' }, '{"model":"b","n":1}'],
    [
      'every other byte stays',
      ' { "n" : 1.00 , "model" : "a"\n} ',
      { model: '"b"' },
      ' { "n" : 1.00 , "model" : "b"\n} ',
    ],
    ['added', '{"n":1}', { model: '"b"' }, '{"n":1,"model":"b"}'],
    ['added to nothing', '{ }', { model: '"b"', n: '2' }, '{ "model":"b","n":2}'],
    ['taken out first', '{"n":1,"a":2}', { n: undefined }, '{"a":2}'],
    ['taken out last', '{"a":2, "n":1}', { n: undefined }, '{"a":2}'],
    ['taken out alone', '{"n":1}', { n: undefined }, '{}'],
    ['taken out all', '{"n":1,"a":2,"b":3}', { n: undefined, a: undefined, b: undefined }, '{}'],
    ['taken out, the last two', '{"a":2,"n":1,"b":3}', { n: undefined, b: undefined }, '{"a":2}'],
    ['taken out, all but the middle', '{"n":1,"a":2,"b":3}', { n: undefined, b: undefined }, '{"a":2}'],
    ['taken out and added', '{"n":1}', { n: undefined, a: '2' }, '{"a":2}'],
    ['not there, taken out', '{"n":1}', { a: undefined }, '{"n":1}'],
    ['inner ones are not it', '{"a":{"n":1},"b":["n"]}', { n: '2' }, '{"a":{"n":1},"b":["n"],"n":2}'],
    ['a name in escapes', '{"\\u006e":1}', { n: '2' }, '{"\\u006e":2}'],
    ['quotes and brackets in texts', '{"a":"\\"}{[\\\\","n":1}', { n: '2' }, '{"a":"\\"}{[\\\\","n":2}'],
    ['twice is refused', '{"n":1,"n":2}', { n: '3' }, undefined],
    ['twice, once in escapes', '{"n":1,"\\u006e":2}', { n: '3' }, undefined],
    ['twice, but another', '{"a":1,"a":2,"n":1}', { n: '3' }, '{"a":1,"a":2,"n":3}'],
    [
      'a long text',
      `{"a":"${'x'.repeat(99)}\\\\\\"","n":1}`,
      { n: '2' },
      `{"a":"${'x'.repeat(99)}\\\\\\"","n":2}`,
    ],
  ])('%s', (_, object, edits, expected) => {
    expect(spliceFields(Buffer.from(object), edits)?.toString()).toBe(expected)
  })

  // V8 13.6 mixes escaped names up ({"\\":1} parsed once makes {"\"":1} read as {"\\":1}), so what JSON.parse is compared
  // by has none; escaped names are in the table above.
  const isPlain = (name: string) => !JSON.stringify(name).includes('\\')
  const hasPlainNames = (value: unknown): boolean =>
    typeof value !== 'object' ||
    value === null ||
    Object.entries(value).every(([name, inner]) => isPlain(name) && hasPlainNames(inner))
  const values = (maxDepth: number) => fc.jsonValue({ maxDepth }).filter(hasPlainNames)
  const names = fc.constantFrom('model', 'n', 'a{b', 'é😀', 'x]', '__proto__', '')
  const objects = fc.uniqueArray(fc.tuple(fc.oneof(names, fc.string().filter(isPlain)), values(3)), {
    selector: ([name]) => name,
  })
  const edits = fc.uniqueArray(fc.tuple(names, fc.option(values(2), { nil: undefined })), {
    selector: ([name]) => name,
  })

  property.prop([objects, edits, fc.constantFrom(undefined, 1, '\t')])(
    'as JSON.parse, the edit, and JSON.stringify would have it',
    (members, changes, indent) => {
      const text = `${indent === undefined ? '' : ' '}${stringify(members, indent)}`
      const written = spliceFields(
        Buffer.from(text),
        Object.fromEntries(
          changes.map(([name, value]) => [name, value === undefined ? undefined : JSON.stringify(value)]),
        ),
      )
      const expected = new Map(members)
      for (const [name, value] of changes)
        if (value === undefined) expected.delete(name)
        else expected.set(name, value)
      const read = JSON.parse(String(written)) as Record<string, unknown>
      const plain = JSON.parse(stringify([...expected], undefined)) as Record<string, unknown>
      expect(new Map(Object.entries(read))).toEqual(new Map(Object.entries(plain)))
    },
  )
})

/** Objects with any names; `__proto__` among them, which an object literal would take for something else. */
function stringify(
  members: readonly (readonly [string, unknown])[],
  indent: number | string | undefined,
): string {
  const [colon, comma] = indent === undefined ? [':', ','] : [' : ', ' ,\n ']
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}${colon}${JSON.stringify(value, null, indent)}`).join(comma)}}`
}
