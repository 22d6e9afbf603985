/**
 * Builds what is published: Node strips no types under node_modules, so the package carries JavaScript. `npm pack` and
 * `npm publish` run this by themselves (`prepack`).
 */
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'

rmSync('dist', { recursive: true, force: true })
run('node', 'scripts/build-web.ts')
run('tsc', '-p', 'tsconfig.build.json')
// What is read at run time and is not code.
for (const path of globSync('src/**/*.{sql,json}', {
  exclude: ['src/**/vectors/**', 'src/**/vectors.json'],
})) {
  const target = join('dist', relative('src', path))
  cpSync(path, target, { recursive: true })
}

function run(command: string, ...args: string[]): void {
  const done = spawnSync(command, args, { stdio: 'inherit' })
  if (done.status !== 0) process.exit(done.status ?? 1)
}
