import { Validator } from '@cfworker/json-schema'
import { fc, test as prop } from '@fast-check/vitest'
import { getLlama } from 'node-llama-cpp'
import { beforeAll, describe, expect, test } from 'vitest'
import { GrammarRefused, grammarOfJson, grammarOfSchema } from './json-grammar.ts'

/** llama.cpp's own parser of grammars, without a model. */
let matches: (grammar: string, text: string) => boolean
beforeAll(async () => {
  const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true })
  const { AddonGrammar } = (
    llama as unknown as {
      _bindings: { AddonGrammar: new (text: string) => { isTextCompatible(text: string): boolean } }
    }
  )._bindings
  matches = (grammar, text) => new AddonGrammar(grammar).isTextCompatible(text)
})

type Schema = Record<string, unknown>

const person = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    age: { type: 'integer' },
    tags: { type: 'array', items: { type: 'string' } },
  },
  required: ['name'],
}

test.each<[string, Schema, string[], string[]]>([
  ['a string', { type: 'string' }, ['"a"', '""', '"ö\\n\\u00e4"'], ['a', '"', '"\n"', '1']],
  ['its length', { type: 'string', minLength: 2, maxLength: 3 }, ['"ab"', '"abc"'], ['"a"', '"abcd"']],
  ['a date', { type: 'string', format: 'date' }, ['"2026-02-28"'], ['"2026-13-01"', '"26-01-01"', '""']],
  ['a number', { type: 'number' }, ['0', '-1.5', '2e10', '0.25'], ['01', '.5', '1.', '+1', '--1']],
  ['an integer', { type: 'integer' }, ['0', '-12'], ['1.5', '1e3', '007']],
  ['yes, no, nothing', { type: ['boolean', 'null'] }, ['true', 'false', 'null'], ['True', '0', '']],
  ['one of some', { enum: ['a "b"', 2, null] }, ['"a \\"b\\""', '2', 'null'], ['"a"', '3']],
  ['exactly this', { const: { a: [1] } }, ['{"a":[1]}'], ['{"a":[2]}', '{}']],
  [
    'an object',
    person,
    [
      '{"name":"x"}',
      '{"name": "x", "age": 3}',
      '{"name":"x","tags":[]}',
      '{"name":"x","age":1,"tags":["a","b"]}',
    ],
    ['{}', '{"age":3}', '{"age":3,"name":"x"}', '{"name":"x","more":1}', '{"name":"x",}', '[]'],
  ],
  [
    'all optional',
    { type: 'object', properties: { a: { type: 'null' }, b: { type: 'null' } } },
    ['{}', '{"a":null}', '{"b":null}', '{"a":null,"b":null}'],
    ['{,"b":null}', '{"b":null,"a":null}', '{"a":null "b":null}'],
  ],
  [
    'a map',
    { type: 'object', additionalProperties: { type: 'integer' } },
    ['{}', '{"x":1}', '{"x":1, "y":2}'],
    ['{"x":"1"}', '{x:1}'],
  ],
  [
    'a list of bounded length',
    { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 2 },
    ['[1]', '[1,2]'],
    ['[]', '[1,2,3]'],
  ],
  [
    'a pair',
    { type: 'array', prefixItems: [{ type: 'string' }, { type: 'null' }], items: false },
    ['["a",null]'],
    ['["a"]', '["a",null,1]'],
  ],
  ['anything', {}, ['{"a":[1,{"b":null}]}', '3', '"x"'], ['', '{a}']],
  [
    'either',
    { anyOf: [{ type: 'integer' }, { type: 'array', items: { type: 'integer' } }] },
    ['1', '[1]'],
    ['"1"'],
  ],
  [
    'a tree that refers to itself',
    {
      $ref: '#/$defs/node',
      $defs: {
        node: {
          type: 'object',
          properties: { next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
          required: ['next'],
        },
      },
    },
    ['{"next":null}', '{"next":{"next":null}}'],
    ['{}', '{"next":1}'],
  ],
])('%s', (_, schema, good, bad) => {
  const grammar = grammarOfSchema(schema)
  for (const text of good) expect([text, matches(grammar, text)]).toEqual([text, true])
  for (const text of bad) expect([text, matches(grammar, text)]).toEqual([text, false])
})

test('any JSON object', () => {
  expect(['{}', '{"a":[true,"x"]}'].map((text) => matches(grammarOfJson(), text))).toEqual([true, true])
  expect(['[]', '"a"', '{"a"}', ''].map((text) => matches(grammarOfJson(), text))).toEqual([
    false,
    false,
    false,
    false,
  ])
})

describe('what an answer cannot be held to is refused by its place', () => {
  test.each<[Schema, string]>([
    [{ type: 'string', pattern: '^a' }, '/pattern'],
    [{ type: 'object', properties: { 'a/b': { type: 'integer', minimum: 3 } } }, '/properties/a~1b/minimum'],
    [{ type: 'array', items: { not: {} } }, '/items/not'],
    [{ allOf: [{}] }, '/allOf'],
    [{ type: 'object', properties: { a: {} }, required: ['b'] }, '/required'],
    [{ type: 'object', properties: { a: {} }, additionalProperties: true }, '/additionalProperties'],
    [{ $ref: 'https://example.com/x' }, '/$ref'],
    [{ $ref: '#/$defs/gone' }, '/$ref'],
    [{ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }, '/$ref'],
    [{ type: 'text' }, '/type'],
    [{ type: 'string', format: 'email' }, '/format'],
    [{ type: 'array', minItems: 3, maxItems: 1 }, '/maxItems'],
    [{ type: 'string', maxLength: 1e9 }, '/maxLength'],
    [{ enum: [] }, '/enum'],
    [{ anyOf: [] }, '/anyOf'],
  ])('%j', (schema, place) => {
    expect(() => grammarOfSchema(schema)).toThrow(GrammarRefused)
    try {
      grammarOfSchema(schema)
    } catch (error) {
      expect((error as GrammarRefused).place).toBe(place)
    }
  })
})

const { schema } = fc.letrec<{ schema: Schema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom<Schema>({ type: 'string' }, { type: 'integer' }, { type: 'boolean' }, { enum: ['a', 1] }),
    fc.record({ type: fc.constant('array'), items: tie('schema') }),
    fc
      .dictionary(fc.string({ minLength: 1, maxLength: 4 }), tie('schema'), { maxKeys: 3 })
      .chain((properties) =>
        fc
          .subarray(Object.keys(properties))
          .map((required) => ({ type: 'object', properties, required, additionalProperties: false })),
      ),
  ),
}))

/** A value of the schema; optional members come and go by the numbers. */
function exampleOf(of: Schema, numbers: number[]): unknown {
  const number = numbers.shift() ?? 0
  if (of.enum !== undefined) return (of.enum as unknown[])[number % 2]
  switch (of.type) {
    case 'string':
      return 'x"\\\n'.slice(0, number % 5)
    case 'integer':
      return number - 50
    case 'boolean':
      return number % 2 === 0
    case 'array':
      return Array.from({ length: number % 3 }, () => exampleOf(of.items as Schema, numbers))
    default:
      return Object.fromEntries(
        Object.entries(of.properties as Record<string, Schema>)
          .filter(([name]) => (of.required as string[]).includes(name) || (numbers.shift() ?? 0) % 2 === 0)
          .map(([name, part]) => [name, exampleOf(part, numbers)]),
      )
  }
}

prop.prop([schema, fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 30 })])(
  'every value of a schema fits its grammar, and what the validator refuses does not',
  (of, numbers) => {
    const value = exampleOf(of, [...numbers])
    const grammar = grammarOfSchema(of)
    const validator = new Validator(of as never, '2020-12')
    expect(validator.validate(value).valid).toBe(true)
    expect(matches(grammar, JSON.stringify(value))).toBe(true)
    const other = exampleOf({ type: 'array', items: of }, [...numbers])
    if (!validator.validate(other).valid) expect(matches(grammar, JSON.stringify(other))).toBe(false)
  },
)
