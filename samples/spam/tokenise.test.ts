import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { preprocess } from './tokenise.ts'

const BUCKETS = 4_096

/** Anything a string can hold, halves of surrogate pairs too. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 })
    .map((codes) => String.fromCharCode(...codes)),
)

function rowOf(text: string): Float32Array {
  return preprocess([{ text }]).features.data
}

function lengthOf(row: Float32Array): number {
  return Math.sqrt(row.reduce((sum, value) => sum + value * value, 0))
}

describe('whatever the text', () => {
  test.prop([fc.array(anyText, { maxLength: 5 })])('there is one row of 4,096 per text', (texts) => {
    const { shape, data } = preprocess(texts.map((text) => ({ text }))).features
    expect(shape).toEqual([texts.length, BUCKETS])
    expect(data).toHaveLength(texts.length * BUCKETS)
  })

  test.prop([anyText])('a row is finite, not negative, and of length 1', (text) => {
    const row = rowOf(text)
    expect(row.every((value) => value >= 0 && value <= 1)).toBe(true)
    expect(lengthOf(row)).toBeCloseTo(1, 4)
  })

  test.prop([fc.array(anyText, { minLength: 1, maxLength: 5 })])('company does not change a row', (texts) => {
    const { data } = preprocess(texts.map((text) => ({ text }))).features
    texts.forEach((text, row) => {
      expect(data.subarray(row * BUCKETS, (row + 1) * BUCKETS)).toEqual(rowOf(text))
    })
  })

  test.prop([anyText, fc.stringMatching(/^[\w.-]{1,30}$/)])(
    'a Message-Id in front changes nothing',
    (text, id) => {
      expect(rowOf(`Message-Id: <${id}@sample>\n${text}`)).toEqual(rowOf(text))
    },
  )
})

describe.each([
  ['nothing', ''],
  ['a megabyte of one letter', 'a'.repeat(1_000_000)],
  ['a megabyte of short words', 'ab '.repeat(333_334)],
  ['only separators', '.-\n\t '.repeat(1_000)],
  ['half a surrogate pair', '\ud800'],
  ['a Message-Id and nothing else', 'Message-Id: <1@sample>'],
])('%s', (_, text) => {
  test('makes a row of length 1', () => {
    expect(lengthOf(rowOf(text))).toBeCloseTo(1, 4)
  })
})

describe('what counts', () => {
  test('case does not', () => {
    expect(rowOf('Free MONEY!')).toEqual(rowOf('free money!'))
  })
  test('which separator does not', () => {
    expect(rowOf('free-money')).toEqual(rowOf('free\nmoney'))
  })
  test('how much white space does not', () => {
    expect(rowOf('free money')).toEqual(rowOf('free \n\t money'))
  })
  test('words do', () => {
    expect(rowOf('free money')).not.toEqual(rowOf('free monkey'))
  })
  test('the first 4,000 characters do, later ones do not', () => {
    const read = 'word '.repeat(800)
    expect(rowOf(`${read}unread`)).toEqual(rowOf(`${read}ignored`))
    expect(rowOf(`early ${read}`)).not.toEqual(rowOf(`other ${read}`))
  })
})
