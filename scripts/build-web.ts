/** Builds web/ with Vite when its sources, the contracts or the SDK that it uses have changed since the last build. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'

const SOURCES = [
  'web/src/**/*',
  'web/index.html',
  'web/public/*',
  'web/vite.config.ts',
  'web/package.json',
  'src/contracts/**/*.ts',
  'src/sdk/*.ts',
  'src/kernel/histogram.ts',
]
const STAMP = 'web/dist/.built-from'

const hash = createHash('sha256')
for (const path of globSync(SOURCES, { exclude: ['**/*.test.ts'] }).sort())
  if (/\.\w+$/.test(path)) hash.update(path).update(readFileSync(path))
const want = hash.digest('hex')

if (!existsSync('web/index.html')) console.log('web: no dashboard in this tree')
else if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== want) {
  // A caller's NODE_ENV (tests set one) would give React's development build, half as large again and slow.
  const env = { ...process.env, NODE_ENV: 'production' }
  const built = spawnSync('vite', ['build', '--logLevel', 'warn'], { cwd: 'web', stdio: 'inherit', env })
  if (built.status !== 0) process.exit(1)
  writeFileSync(STAMP, want)
}
