import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { chatSurface, type JsonObject, type RequestGlance } from '../../dialects/index.ts'
import { scanJson } from '../server/json-scan.ts'
import { relayBody } from './relay-body.ts'

const NAME = Buffer.from('"big-1"')

const relayed = (text: string, dialect: 'openai-chat' | 'anthropic' = 'openai-chat') => {
  const body = Buffer.from(text)
  const parsed = JSON.parse(text) as JsonObject
  const glance: RequestGlance = chatSurface.glance(parsed)
  return relayBody(body, parsed, NAME, dialect, glance)?.toString()
}

/** Text that is hard on a scanner: quotes, backslashes, brackets, names that look like ours, and long. */
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('model', '"model":"x"', '\\', '\\"', '\\\\', '}],{', 'é漢🙂', '', ' '),
  fc.constantFrom('\\', '"', 'x').map((part) => `${'y'.repeat(47)}${part.repeat(60)}`),
)
/**
 * Names need no escape here: the JSON.parse that this test compares by (V8 13.6) may give the name `"` as `\\` when an
 * object with that name was parsed before.
 */
const names = texts.filter((text) => !JSON.stringify(text).includes('\\'))
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    texts,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(names, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))
const bodies = fc.record({
  before: fc.dictionary(names, tree, { maxKeys: 3, noNullPrototype: true }),
  model: texts,
  after: fc.dictionary(names, tree, { maxKeys: 3, noNullPrototype: true }),
  stream: fc.boolean(),
  options: fc.constantFrom(undefined, {}, { include_usage: true }, { include_usage: false, odd: [1] }, null),
  indent: fc.constantFrom(undefined, 1, '\t'),
})

describe('a relayed body', () => {
  property.prop([bodies], { numRuns: 3000 })(
    'is what the client said but for the model and the wish to be told the usage',
    ({ after, before, indent, model, options, stream }) => {
      const own = { model, stream, ...(options === undefined ? {} : { stream_options: options }) }
      const whole = { ...before, ...own, ...after, ...own }
      const text = JSON.stringify(whole, undefined, indent)
      const got = relayed(text)
      const asked = stream ? { stream_options: { ...(options ?? {}), include_usage: true } } : {}
      expect(JSON.parse(got as string)).toEqual({ ...whole, model: 'big-1', ...asked })
    },
  )

  test.each([
    ['two models', '{"model":"a","x":1,"model":"b"}'],
    ['a second model, hidden by an escape', '{"model":"a","mod\\u0065l":"b"}'],
    ['two wishes', '{"model":"a","stream":true,"stream_options":{},"stream_options":{}}'],
    ['no model', '{"x":{"model":"a"}}'],
    ['a model that is no text', '{"model":1}'],
  ])('is written anew where it can be read in two ways: %s', (_, text) => {
    expect(relayed(text)).toBeUndefined()
  })

  test('keeps numbers, spaces and order as they were written', () => {
    expect(relayed('{"t":1.50e0,"model":"a" , "big":12345678901234567890}')).toBe(
      '{"t":1.50e0,"model":"big-1" , "big":12345678901234567890}',
    )
  })

  test('asks for the usage only where the dialect has to be asked', () => {
    expect(relayed('{"model":"a","stream":true}', 'anthropic')).toBe('{"model":"big-1","stream":true}')
  })
})

test.each([
  ['[[[[]]]]', 4],
  ['{"a":{"b":[{}]}}', 4],
  [`{"a":"${'[{'.repeat(200)}"}`, 1],
  [`{"a":"${'\\"['.repeat(200)}"}`, 1],
])('the depth of %j is %i', (text, depth) => {
  expect(scanJson(Buffer.from(text), 128, 9).depth).toBe(depth)
})

test('a body that nests deeper than the bound is not read to its end', () => {
  expect(scanJson(Buffer.from('['.repeat(1000)), 10, 9).depth).toBe(11)
})
