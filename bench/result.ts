/**
 * What every benchmark hands over: facts of the machine, the commit, rows that say what was measured against which
 * goal, and the raw samples in a file beside it, so that a reader can recompute each row.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { arch, cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'

export interface BenchRow {
  readonly what: string
  readonly unit: string
  readonly ours: number
  /** The same measured of others, by name. */
  readonly others: Readonly<Record<string, number>>
  readonly goal: string
  readonly holds: boolean
}

export interface BenchResult {
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memoryBytes: number
    readonly os: string
    readonly node: string
  }
  /** With "+" when the tree held changes that are in no commit. */
  readonly commit: string
  readonly takenAt: string
  readonly rows: readonly BenchRow[]
}

const RESULTS = join(import.meta.dirname, 'results')

/** Writes `results/<name>.json` and, when there are raw samples, `results/<name>.raw.json`; prints the table; sets the exit code to 1 when a goal is missed. */
export function report(name: string, rows: readonly BenchRow[], raw?: unknown): BenchResult {
  const result: BenchResult = {
    machine: machineFacts(),
    commit: commit(),
    takenAt: new Date().toISOString(),
    rows,
  }
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify(result, undefined, 1)}\n`)
  if (raw !== undefined) writeFileSync(join(RESULTS, `${name}.raw.json`), `${JSON.stringify(raw)}\n`)
  print(rows)
  if (rows.some((row) => !row.holds)) process.exitCode = 1
  return result
}

function machineFacts(): BenchResult['machine'] {
  const processors = cpus()
  return {
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    os: `${type()} ${release()} ${arch()}`,
    node: process.version,
  }
}

function commit(): string {
  const git = (...words: string[]) =>
    execFileSync('git', words, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') !== ''
    return git('rev-parse', 'HEAD') + (changed ? '+' : '')
  } catch {
    return 'unknown'
  }
}

function print(rows: readonly BenchRow[]): void {
  const cells = rows.map((row) => [
    row.holds ? 'holds' : 'MISSED',
    row.what,
    `${figure(row.ours)} ${row.unit}`,
    row.goal,
    Object.entries(row.others)
      .map(([name, value]) => `${name} ${figure(value)}`)
      .join(', '),
  ])
  const table = [['', 'what', 'ours', 'goal', 'others'], ...cells]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)))
  for (const line of table)
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
}

function figure(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
}
