import { fc, test as prop } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { lookUp } from './prompt-lookup.ts'
import { StopTexts } from './stop-texts.ts'
import { TextJoiner } from './token-text.ts'
import { type CallPiece, CallSplitter } from './tool-calls.ts'

function cut(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((at) => at % (text.length + 1)))].sort((left, right) => left - right)
  return [0, ...places].map((from, index) => text.slice(from, places[index] ?? text.length))
}

describe('stop texts', () => {
  test.each([
    ['is not said', ['STOP'], ['abc STOP def'], 'abc ', 'STOP'],
    ['over token borders', ['STOP'], ['abc S', 'T', 'OP', ' def'], 'abc ', 'STOP'],
    ['that only begins is said after all', ['STOP'], ['abc ST', 'ART'], 'abc START', undefined],
    ['that begins at the very end is said', ['STOP'], ['abc STO'], 'abc STO', undefined],
    ['the earlier of two', ['b', 'a'], ['xxab'], 'xx', 'a'],
    ['the longer of two at one place', ['\n', '\n\n'], ['x\n\ny'], 'x', '\n\n'],
    ['that repeats itself', ['aab'], ['a', 'a', 'a', 'b'], 'a', 'aab'],
  ])('%s', (_, stops, pieces, said, met) => {
    const stopper = new StopTexts(stops)
    const shown = pieces.map((piece) => stopper.push(piece)).join('')
    expect([shown + stopper.end(), stopper.met]).toEqual([said, met])
  })

  prop.prop([
    fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 40 }),
    fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 }), { maxLength: 3 }),
    fc.array(fc.nat(), { maxLength: 12 }),
  ])('where the text is cut makes no difference, but for the earliest that is whole', (text, stops, cuts) => {
    const stopper = new StopTexts(stops)
    const said =
      cut(text, cuts)
        .map((piece) => stopper.push(piece))
        .join('') + stopper.end()
    if (stopper.met === undefined) {
      expect(said).toBe(text)
      expect(stops.some((stop) => text.includes(stop))).toBe(false)
    } else {
      expect(text.startsWith(said + stopper.met)).toBe(true)
      expect(stops.some((stop) => said.includes(stop))).toBe(false)
    }
  })
})

prop.prop([fc.string({ unit: 'binary', maxLength: 30 }), fc.array(fc.nat(), { maxLength: 20 })])(
  'characters come out whole, however their bytes are cut',
  (text, cuts) => {
    const bytes = new TextEncoder().encode(text)
    const joiner = new TextJoiner()
    const places = cuts.map((at) => at % (bytes.length + 1)).sort((left, right) => left - right)
    const pieces = [0, ...places].map((from, index) =>
      joiner.push(bytes.slice(from, places[index] ?? bytes.length)),
    )
    for (const piece of pieces) expect(piece.includes('�')).toBe(false)
    expect(pieces.join('') + joiner.end()).toBe(text)
  },
)

test('what is cut off for ever is shown as replaced', () => {
  const joiner = new TextJoiner()
  expect(joiner.push(Uint8Array.of(0xf0, 0x9f)) + joiner.end()).toBe('�')
})

describe('calls in a text', () => {
  const text = 'Let me look. <tool_call>\n{"name":"weather","arguments":{"city":"Köln"}}\n</tool_call> Done.'
  prop.prop([fc.array(fc.nat(), { maxLength: 20 })])('are found wherever it is cut', (cuts) => {
    const splitter = new CallSplitter('marked')
    const pieces = [...cut(text, cuts).flatMap((piece) => splitter.push(piece)), ...splitter.end()]
    const said = (wanted: CallPiece[]) =>
      wanted.map((piece) => (piece.kind === 'text' ? piece.text : '|')).join('')
    expect(said(pieces)).toBe('Let me look. | Done.')
    expect(pieces.find(({ kind }) => kind === 'call')).toEqual({
      kind: 'call',
      name: 'weather',
      arguments: '{"city":"Köln"}',
    })
  })

  test.each([
    ['<tool_call>not json</tool_call>', 'marked'],
    ['<tool_call>{"name":"a"', 'marked'],
    ['{"name":3}', 'bare'],
  ] as const)('%s stays text', (text, syntax) => {
    const splitter = new CallSplitter(syntax)
    expect([...splitter.push(text), ...splitter.end()]).toEqual([{ kind: 'text', text }])
  })
})

test.each([
  [[1, 2, 3, 9, 1, 2, 3], 3, 4, [9, 1, 2, 3]],
  [[1, 2, 3, 4, 5, 1, 2], 2, 2, [3, 4]],
  [[1, 2, 7, 1, 2, 8, 1, 2], 2, 1, [8]],
  [[5, 5, 5], 2, 3, [5]],
  [[1, 2, 3], 2, 3, []],
  [[1], 2, 3, []],
])('looked up in %j: %j', (tokens, minMatch, maxTokens, expected) => {
  expect(lookUp(tokens, minMatch, maxTokens)).toEqual(expected)
})
