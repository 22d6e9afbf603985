/**
 * Everything that must hold: the static checks, then all tests. Each static check counts as one test; the last line is
 * the sum: `N passed, N failed, N skipped`.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const STATIC_CHECKS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['types', 'tsc', '-p', '.'],
  ['types of the pages', 'tsc', '-p', 'web'],
  ['lint and format', 'biome', 'ci', '--error-on-warnings', '.'],
  ['layers and cycles', 'node', 'scripts/check-layers.ts'],
  ['file sizes and words', 'node', 'scripts/check-tree.ts'],
  ['unused code and dependencies', 'knip', '--no-progress'],
  ['generated pages', 'node', 'scripts/docs.ts', '--check'],
]

const total = { passed: 0, failed: 0, skipped: 0 }

for (const [name, command, ...args] of STATIC_CHECKS) {
  const { code, output } = await run(command, args)
  if (code === 0) total.passed++
  else {
    total.failed++
    console.log(output)
  }
  console.log(`${code === 0 ? '✔' : '✘'} ${name}`)
}

const needs = await run('node', ['scripts/system-packages.ts'])
console.log(needs.output.trim())

for (const config of ['vitest.config.ts', 'vitest.story.config.ts']) await runSuite(config)

console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed === 0 ? 0 : 1

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
