import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import {
  changeEventType,
  changeState,
  checkName,
  errorTable,
  guardName,
  headerNames,
  riskTier,
  scope,
} from '../../src/contracts/index.ts'
import { parseChangeFile } from '../../src/sdk/index.ts'
import { readPage, readPages } from './pages.ts'

test('the settings are those that the program reads', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !/\.test\.ts$|testing\//.test(name),
  )
  const read = new Set(
    sources.flatMap((name) =>
      [
        ...readFileSync(join('src', name), 'utf8').matchAll(/process\.env\.([A-Z_]+)|\b(SLIPWAY_[A-Z_]+)\b/g),
      ].map((match) => match[1] ?? match[2]),
    ),
  )
  expect(firstColumn('docs/operate.md', 'Settings').sort()).toEqual([...read].sort())
})

test.each([
  ['scopes', 'docs/operate.md', 'Keys', scope.options.filter((name) => name !== 'internal')],
  ['guards', 'docs/judge.md', 'Guards', guardName.options],
  ['risk tiers', 'docs/checks.md', 'Policy and risk tiers', riskTier.options],
  [
    'states',
    'docs/concepts.md',
    'The life of a change',
    changeState.options.filter((name) => name !== 'draft'),
  ],
  ['events', 'docs/concepts.md', 'The log is a chain', changeEventType.options],
])('the %s are those of the contracts', (_, page, heading, names) => {
  expect(firstColumn(page, heading).sort()).toEqual([...names].sort())
})

test('every check has its part', () => {
  const { text } = readPage('docs/checks.md')
  for (const check of checkName.options)
    expect(text).toMatch(new RegExp(`^## ${check[0]?.toUpperCase()}${check.slice(1)}$`, 'm'))
})

test('the headers are those of the contracts', () => {
  const named = new Set(
    [...readPage('docs/reference/http.md').text.matchAll(/`(x-slipway-[a-z-]+)`/g)].map((match) => match[1]),
  )
  expect([...named].sort()).toEqual(Object.values(headerNames).sort())
})

test('every error that a page names exists', () => {
  const named = readPages().flatMap(({ text }) =>
    [...text.matchAll(/`([a-z]+_(?:[a-z]+_)*[a-z]+)`/g)].map((match) => match[1] as string),
  )
  const codes = named.filter((name) => /_(unavailable|incompatible|lost|failed|inactive|limited)$/.test(name))
  expect(codes.filter((code) => !(code in errorTable))).toEqual([])
  expect(codes.length).toBeGreaterThan(3)
})

test('the figures of the judge are those of its simulation', () => {
  const { rows } = JSON.parse(readFileSync('bench/results/judge.json', 'utf8')) as {
    rows: { what: string; ours: number }[]
  }
  const ours = (start: string) => rows.find(({ what }) => what.startsWith(start))?.ours
  const { text } = readPage('docs/judge.md')
  const said = (start: string) => text.split('\n').find((line) => line.startsWith(start)) ?? ''
  expect(said('| equal canaries aborted')).toContain(`| ${ours('equal canaries aborted')} % |`)
  expect(said('| canaries worse')).toContain(`| ${ours('canaries worse by the margin')} % |`)
  const found = ['100/window, 50 %', '100/window, 5 %', '1000/window, 1 %']
  const rise = found.map((world) => ours(`errors 1 → 5 % found, ${world}`))
  const equal = found.map((world) => ours(`equal canary promoted, ${world}`))
  expect(said('| errors 1')).toContain(`| ${rise[0]} windows |`)
  expect(said('| the same at')).toContain(`| ${rise[1]}, ${rise[2]} windows |`)
  expect(said('| equal canary promoted')).toContain(`| ${equal.join(', ')} windows |`)
})

test('the change file of the tutorial is one, and the README tells what the samples are', () => {
  const tutorial = readPage('docs/first-change.md').blocks.find(({ text }) => text.includes("<<'END'"))
  const file = /<<'END'\n(.*)\nEND/s.exec(tutorial?.text ?? '')?.[1] ?? ''
  expect(parseChangeFile(file).model).toBe('inbox')
  const readme = readPage('README.md').text
  for (const sample of ['spam', 'looks-better', 'slow-burn'])
    expect(readme).toContain(`](samples/${sample}/change.yaml)`)
})

test.each([
  [
    'change',
    ['samples/spam/change.yaml', 'samples/looks-better/change.yaml', 'samples/slow-burn/change.yaml'],
  ],
  ['model', ['samples/spam/model.yaml']],
] as const)('the schema of %s.yaml takes the samples and refuses what the program refuses', (name, files) => {
  const schema = z.fromJSONSchema(JSON.parse(readFileSync(`docs/schemas/${name}.schema.json`, 'utf8')))
  for (const file of files) {
    const written = parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    expect(schema.safeParse(written).error).toBeUndefined()
    expect(schema.safeParse({ ...written, surprise: 1 }).success).toBe(false)
    expect(schema.safeParse({ ...written, model: undefined }).success).toBe(false)
    if (name === 'change') expect(schema.safeParse({ ...written, margins: { cost: 5 } }).success).toBe(false)
  }
})

/** Code in the first column of the table below a heading. */
function firstColumn(page: string, heading: string): string[] {
  const [, below] = readPage(page).text.split(`\n## ${heading}\n`)
  const section = below?.split('\n## ')[0] ?? ''
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) =>
      [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] as string),
    )
}
