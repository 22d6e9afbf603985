/**
 * Runs the benchmarks one after the other and draws the stored results into docs/performance.md.
 *
 *   node bench/run.ts [name ...]     none: all of them; --draw: draw only
 */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { BenchResult, BenchRow } from './result.ts'

const all = globSync('bench/*/run.ts')
  .map((path) => basename(dirname(path)))
  .sort()
const isDrawOnly = process.argv.includes('--draw')
const wanted = process.argv.slice(2).filter((word) => word !== '--draw')
const unknown = wanted.filter((name) => !all.includes(name))
if (unknown.length > 0) {
  console.error(`✘ There is no benchmark ${unknown.join(', ')}. → Choose from ${all.join(', ')}.`)
  process.exit(3)
}

const missed: string[] = []
for (const name of isDrawOnly ? [] : wanted.length > 0 ? wanted : all) {
  console.log(`\n── ${name}`)
  if (spawnSync(process.execPath, [`bench/${name}/run.ts`], { stdio: 'inherit' }).status !== 0)
    missed.push(name)
}
writeFileSync('docs/performance.md', page())
console.log(
  `\ndrawn into docs/performance.md${missed.length > 0 ? `; goals missed in ${missed.join(', ')}` : ''}`,
)
process.exitCode = missed.length === 0 ? 0 : 1

function page(): string {
  const sections = globSync('bench/results/*.json')
    .filter((path) => !path.endsWith('.raw.json'))
    .sort()
    .map((path) => section(basename(path, '.json'), JSON.parse(readFileSync(path, 'utf8')) as BenchResult))
  return `# Performance

Drawn by \`make bench\` from \`bench/results/\`, where the raw samples lie too. Each figure and the figure that it is compared
with were taken in one run on one machine, so read the ratios; on another machine the absolute numbers differ.

${sections.join('\n')}`
}

function section(name: string, result: BenchResult): string {
  const { machine } = result
  const facts = `${machine.cores} cores of ${machine.cpu}, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB, ${machine.os}, Node ${machine.node}`
  return `## ${name}
${facts}; taken ${result.takenAt.slice(0, 10)} at ${result.commit.slice(0, 10)}.

| | what | ours | beside it | goal |
|---|---|---|---|---|
${result.rows.map(row).join('\n')}
`
}

function row({ what, unit, ours, others, goal, holds }: BenchRow): string {
  const largest = Math.max(ours, ...Object.values(others), Number.MIN_VALUE)
  const bar = (value: number) => '█'.repeat(Math.max(0, Math.round((value / largest) * 10)))
  const beside = Object.entries(others).map(([peer, value]) => `${peer} ${figure(value)} ${bar(value)}`)
  return `| ${holds ? '✔' : '✘'} | ${what} | ${figure(ours)} ${unit} ${Object.keys(others).length > 0 ? bar(ours) : ''} | ${beside.join('<br>') || '–'} | ${goal} |`
}

function figure(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en-US') : String(Number(value.toPrecision(3)))
}
