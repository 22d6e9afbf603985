import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readArtifact } from '../../artifacts/index.ts'
import { assess, findGpu } from '../../sizing/index.ts'
import { createProgram } from '../program.ts'
import { htmlReport, markdownReport, reportParts } from './report.ts'
import { compatTarget } from './target.ts'

const files = join(import.meta.dirname, '../../artifacts/testing/files')
const at = (name: string) => join(files, name)
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'compat-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
  process.exitCode = undefined
})
const compat = (...words: string[]) =>
  createProgram().parseAsync(['lab', 'compat', ...words, '--quiet', '--data', folder], { from: 'user' })

describe('slipway lab compat', () => {
  test.each<[string, string[], number | undefined]>([
    ['a file that is served', [at('llama-q8.gguf'), '--gpu', 't4'], undefined],
    ['a model of rows', [at('iris.ubj')], undefined],
    [
      'a feature its engine lacks',
      [at('llama-folder'), '--engine', 'vllm@0.12.0', '--feature', 'speculative-draft'],
      1,
    ],
    ['more context than it takes', [at('llama-q8.gguf'), '--context', '4096'], 1],
  ])('%s', async (_, words, exitCode) => {
    await compat(...words)
    expect(process.exitCode).toBe(exitCode)
  })

  test.each<[string, string[], RegExp]>([
    ['a pickle', [at('calls.pkl')], /would call posix\.system/],
    ['an unknown GPU', [at('llama-q8.gguf'), '--gpu', 'abacus'], /No GPU is called "abacus"/],
    ['an unknown feature', [at('llama-q8.gguf'), '--feature', 'magic'], /--feature "magic" is none of/],
    [
      'half a GPU',
      [at('llama-q8.gguf'), '--gpu', 't4', '--gpus', '0.5'],
      /--gpus must be a whole number above 0/,
    ],
  ])('%s is refused', async (_, words, reason) => {
    await expect(compat(...words)).rejects.toThrow(reason)
  })

  test('writes reports', async () => {
    for (const name of ['r.md', 'r.html']) {
      await compat(
        at('llama-q8.gguf'),
        '--gpu',
        'l4',
        '--train-tokens',
        '1000',
        '--report',
        join(folder, name),
      )
      expect(readFileSync(join(folder, name), 'utf8')).toMatch(/Training, estimated/)
    }
  })

  test('tells whether others fit beside it, and what adapters take', async () => {
    const report = join(folder, 'r.md')
    await compat(
      at('llama-q8.gguf'),
      '--gpu',
      't4',
      '--with',
      at('moe-q4.gguf'),
      '--adapters',
      '8:4',
      '--report',
      report,
    )
    expect(readFileSync(report, 'utf8')).toMatch(
      /they fit: 2\.0 GiB of 16\.0 GiB[\s\S]*\| moe-q4\.gguf \|[\s\S]*4 are wanted/,
    )
    await expect(compat(at('llama-q8.gguf'), '--adapters', 'many')).rejects.toThrow(/such as 16:8/)
  })

  test('a change file gives file, engine, context and features', async () => {
    writeFileSync(
      join(folder, 'change.yaml'),
      [
        'model: mail',
        `to: {label: v2, engine: llama, artifact: ${at('llama-q8.gguf')}, llama: {contextTokens: 256, sequences: 2, speculation: {kind: prompt-lookup}}}`,
        'hypothesis: It is better.',
        'goal: cost',
        'data: {golden: golden}',
      ].join('\n'),
    )
    expect(await compatTarget(join(folder, 'change.yaml'))).toMatchObject({
      facts: { format: 'gguf' },
      needs: {
        engine: 'node-llama-cpp',
        contextTokens: 256,
        concurrency: 2,
        features: ['speculative-ngram'],
      },
    })
  })
})

describe('the report', () => {
  const facts = { ...readArtifact(at('llama-q8.gguf')), name: '<script>alert(1)</script> | x' }
  const parts = reportParts(facts, assess({ facts, gpu: findGpu('l4'), features: ['tools'] }))
  test('names of strangers are text and nothing else', () => {
    expect(htmlReport(facts.name, parts)).not.toContain('<script>')
  })
  test('each line on a feature has its page, and cells keep their columns', () => {
    const report = markdownReport('t', [
      { heading: 'h', lines: [], table: { header: ['a'], rows: [['x | y']] } },
      ...parts,
    ])
    expect(report).toContain('| x \\| y |')
    expect(report).toMatch(/\| tools \| supported \| .* \| https:/)
  })
})
