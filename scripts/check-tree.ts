/** Sizes of files, and words that have no place in the tree: paths of one machine, hosts of registries in the lock. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const HARD_LINES = 500
const SOURCE = /\.(ts|tsx|py|sh)$/
const FORBIDDEN: readonly (readonly [RegExp, string, RegExp])[] = [
  [/(^|[^\w])\/(work|farm|root)\/\w/, 'a path of one machine', /./],
  [/https?:\/\/registry\./, 'the host of a registry', /package-lock\.json$/],
]

const files = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  encoding: 'utf8',
})
  .stdout.split('\0')
  .filter((path) => path !== '')
const complaints: string[] = []
for (const path of files) {
  if (/\.(png|gz|onnx|ico|woff2)$/.test(path) || path === 'scripts/check-tree.ts') continue
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    continue // Deleted, but not committed yet.
  }
  const lines = text.split('\n').length - 1
  if (SOURCE.test(path) && lines > HARD_LINES)
    complaints.push(`${path} has ${lines} lines; ${HARD_LINES} is the most`)
  for (const [pattern, what, where] of FORBIDDEN)
    if (where.test(path) && pattern.test(text))
      complaints.push(`${path} names ${what}: ${pattern.exec(text)?.[0]}`)
}
for (const complaint of complaints) console.error(complaint)
process.exitCode = complaints.length === 0 ? 0 : 1
