/**
 * `npm run wall`: the fault wall as a table. Runs test/wall and prints, for each of the sixteen scenarios, what a client
 * saw: streamed and whole, with a ladder to a second provider and without. The exit code is 1 where a test failed.
 *
 * answered: the whole answer. told: an error instead of one. cut: a part, then an error that says so. never less.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scenarios } from '../test/wall/index.ts'

interface Told {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly title: string
      readonly status: string
      readonly failureMessages?: readonly string[]
      readonly meta?: {
        readonly wall?: { readonly id: string; readonly column: string; readonly how: string }
      }
    }[]
  }[]
}

const COLUMNS = ['ladder streamed', 'ladder whole', 'alone streamed', 'alone whole'] as const

const folder = mkdtempSync(join(tmpdir(), 'slipway-wall-'))
try {
  const report = join(folder, 'wall.json')
  const ran = spawnSync('vitest', ['run', 'test/wall', '--reporter=json', `--outputFile=${report}`], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: {
      ...process.env,
      PATH: `${fileURLToPath(new URL('../node_modules/.bin', import.meta.url))}:${process.env.PATH}`,
    },
    encoding: 'utf8',
  })
  const told = readReport(report)
  if (told === undefined) {
    console.error(`The wall did not run:\n${ran.stdout ?? ''}${ran.stderr ?? String(ran.error)}`)
    process.exitCode = 1
  } else process.exitCode = print(told) && ran.status === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true })
}

function readReport(path: string): Told | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Told
  } catch {
    return undefined
  }
}

/** Whether every cell is there and every test passed. */
function print({ testResults }: Told): boolean {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const cells = new Map<string, string>()
  for (const { meta, status } of tests)
    if (meta?.wall !== undefined)
      cells.set(
        `${meta.wall.id} ${meta.wall.column}`,
        status === 'passed' ? meta.wall.how : `${meta.wall.how} ✘`,
      )
  const rows = scenarios.map(({ id, ideal, title }) => [
    id,
    title,
    ...COLUMNS.map((column) => cells.get(`${id} ${column}`) ?? 'not seen ✘'),
    ideal,
  ])
  const header = ['', 'Scenario', ...COLUMNS.map((column) => column.replace('alone', 'no ladder')), 'at best']
  const widths = header.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)))
  for (const row of [header, ...rows])
    console.log(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  const failed = tests.filter(({ status }) => status === 'failed')
  for (const { failureMessages = [], title } of failed)
    console.log(`\n✘ ${title}\n${failureMessages[0] ?? ''}`)
  const isWhole = rows.every((row) => !row.some((cell) => cell.endsWith('✘')))
  console.log(
    `\n${tests.length - failed.length} of ${tests.length} tests of the wall passed; answered: all of it, told: an error, cut: a part and an error.`,
  )
  return isWhole && failed.length === 0
}
