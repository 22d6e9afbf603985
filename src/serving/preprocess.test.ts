import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadPreprocess } from './preprocess.ts'

const folder = mkdtempSync(join(tmpdir(), 'preprocess-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let count = 0

/** As an artifact is stored: by its digest, without an extension. */
function stored(source: string, extension = ''): string {
  const path = join(folder, `sha256-${count++}${extension}`)
  writeFileSync(path, source)
  return path
}
const ref = (name: string) => ({ digest: `sha256:${'0'.repeat(64)}`, name })
const lengths = `
  interface Row { text: string }
  export function preprocess(rows: Row[]): { lengths: { shape: number[]; data: Float32Array } } {
    return { lengths: { shape: [rows.length, 1], data: Float32Array.from(rows, (row) => row.text.length) } }
  }`

describe('a preprocess module', () => {
  test.each([
    ['TypeScript, stored by digest', stored(lengths), 'tokenise.ts'],
    ['TypeScript with its extension', stored(lengths, '.ts'), 'tokenise.ts'],
    [
      'JavaScript',
      stored(lengths.replace(/interface.*/, '').replace(/: Row\[\]\).*\{$/m, ') {')),
      'tokenise.mjs',
    ],
    [
      'asynchronous',
      stored(lengths.replace('function', 'async function').replace(/\): \{.*\{$/m, ') {')),
      'a.ts',
    ],
  ])('may be %s', async (_, path, name) => {
    const preprocess = await loadPreprocess(path, ref(name))
    expect(await preprocess([{ text: 'ab' }, { text: '' }])).toEqual({
      rows: 2,
      tensors: { lengths: { dtype: 'float32', shape: [2, 1], data: Float32Array.from([2, 0]) } },
    })
  })

  test.each([
    ['does not parse', 'export function preprocess( {'],
    ['throws when loaded', 'throw new Error("no weights")'],
    ['exports nothing', 'function preprocess() {}'],
    ['exports no function', 'export const preprocess = 1'],
    ['imports what is not there', 'import "./vocabulary.js"\nexport function preprocess() {}'],
  ])('that %s is unreadable', async (_, source) => {
    await expect(loadPreprocess(stored(source), ref('a.js'))).rejects.toMatchObject({
      code: 'artifact_unreadable',
    })
  })

  test.each([
    ['nothing', 'undefined', /no tensors/],
    ['a tensor without data', '({ x: { shape: [1] } })', /without data/],
    ['plain numbers', '({ x: { shape: [1], data: [1] } })', /without data of a known type/],
    ['another number of rows', '({ x: { shape: [2], data: new Float32Array(2) } })', /2 rows for 1/],
    ['too few values', '({ x: { shape: [1, 4], data: new Float32Array(3) } })', /3 values, not 4/],
    ['no shape', '({ x: { data: new Float32Array(1) } })', /no rows/],
  ])('that answers with %s is refused', async (_, expression, reason) => {
    const preprocess = await loadPreprocess(
      stored(`export const preprocess = () => ${expression}`),
      ref('a.js'),
    )
    await expect(preprocess([{}])).rejects.toThrow(reason)
  })
})
