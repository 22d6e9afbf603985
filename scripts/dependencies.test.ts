import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const page = readFileSync('docs/dependencies.md', 'utf8')
const named = new Set([...page.matchAll(/`((?:@[\w-]+\/)?[\w.-]+)`/g)].map((found) => found[1] as string))

test.each(['package.json', 'web/package.json'])('every dependency of %s has its reason', (path) => {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(path, 'utf8')) as Record<
    string,
    Record<string, string>
  >
  const missing = [...Object.keys(dependencies), ...Object.keys(devDependencies)].filter(
    (name) => !named.has(name),
  )
  expect(missing).toEqual([])
})

test('every package named in the tables is installed', () => {
  const installed = ['package.json', 'web/package.json'].flatMap((path) => {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(path, 'utf8')) as Record<
      string,
      Record<string, string>
    >
    return [...Object.keys(dependencies), ...Object.keys(devDependencies)]
  })
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))
  const inTables = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((found) => found[1] as string),
  )
  expect(inTables.filter((name) => !installed.includes(name))).toEqual([])
})
