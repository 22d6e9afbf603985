/**
 * Everything that must hold: the static checks, then all tests. Each static check counts as one test. What failed is
 * told once more at the end, where the tail of a long log still shows it; the last line is the sum:
 * `N passed, N failed, N skipped`.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failure, failuresOf, told, type VitestReport } from './failures.ts'

const STATIC_CHECKS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['types', 'tsc', '-p', '.'],
  ['types of the pages', 'tsc', '-p', 'web'],
  ['lint and format', 'biome', 'ci', '--error-on-warnings', '.'],
  ['layers and cycles', 'node', 'scripts/check-layers.ts'],
  ['file sizes and words', 'node', 'scripts/check-tree.ts'],
  ['unused code and dependencies', 'knip', '--no-progress'],
  ['generated pages', 'node', 'scripts/docs.ts', '--check'],
]

interface Counted extends VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numFailedTestSuites: number
}

const MAX_TOLD_LINES = 40
const total = { passed: 0, failed: 0, skipped: 0 }
const failures: string[][] = []

for (const [name, command, ...args] of STATIC_CHECKS) {
  const { code, output } = await run(command, args)
  if (code === 0) total.passed++
  else {
    total.failed++
    failures.push(failure(name, output))
    console.log(output)
  }
  console.log(`${code === 0 ? '✔' : '✘'} ${name}`)
}

const needs = await run('node', ['scripts/system-packages.ts'])
console.log(needs.output.trim())

for (const config of ['vitest.config.ts', 'vitest.story.config.ts']) await runSuite(config)

for (const line of told(failures, MAX_TOLD_LINES)) console.log(line)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed === 0 ? 0 : 1

/** Counts what a suite reports. */
async function runSuite(config: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-test-'))
  const report = join(folder, 'vitest.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const { code } = await run('vitest', ['run', '--config', config, ...reporters], true)
  try {
    const counted = JSON.parse(readFileSync(report, 'utf8')) as Counted
    total.passed += counted.numPassedTests
    total.failed += counted.numFailedTests
    total.skipped += counted.numPendingTests
    // A file that does not load, or an error outside of any test, fails the run though it counts no test.
    if (code !== 0 && counted.numFailedTests === 0) total.failed += Math.max(1, counted.numFailedTestSuites)
    const found = failuresOf(counted, process.cwd())
    if (code !== 0 && found.length === 0)
      found.push(failure(`vitest --config ${config}`, 'An error outside of any test; see above.'))
    failures.push(...found)
  } catch (error) {
    total.failed++
    failures.push(failure(`vitest --config ${config}`, `No report of it: ${String(error)}`))
  }
  rmSync(folder, { recursive: true, force: true })
}

function run(
  command: string,
  args: readonly string[],
  isShown = false,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: isShown ? 'inherit' : ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout?.on('data', (chunk) => {
      output += chunk
    })
    child.stderr?.on('data', (chunk) => {
      output += chunk
    })
    child.once('error', (error) => resolve({ code: 1, output: String(error) }))
    child.once('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
