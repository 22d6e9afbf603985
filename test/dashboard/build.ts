import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Builds the pages where their sources changed, as `make web` does. */
export function buildPages(): void {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const built = spawnSync(process.execPath, ['scripts/build-web.ts'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${root}node_modules/.bin:${process.env.PATH}` },
  })
  if (built.status !== 0) throw new Error(`the pages do not build:\n${built.stdout}${built.stderr}`)
}
