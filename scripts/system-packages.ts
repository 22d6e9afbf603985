/**
 * PostgreSQL 15, Redis 7 and Chromium, which the tests use for real: installed by the package manager where they are missing
 * and we may, else told how.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const NEEDS = [
  {
    name: 'PostgreSQL 15',
    packages: ['postgresql-15'],
    isThere: () => existsSync('/usr/lib/postgresql/15/bin/postgres'),
  },
  {
    name: 'Redis 7',
    packages: ['redis-server'],
    isThere: () => existsSync('/usr/bin/redis-server'),
  },
  { name: 'Chromium', packages: ['chromium'], isThere: () => existsSync('/usr/bin/chromium') },
]

const missing = NEEDS.filter((need) => !need.isThere())
if (missing.length === 0) console.log('✔ PostgreSQL 15, Redis 7 and Chromium are here')
else if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
  const packages = missing.flatMap((need) => need.packages).join(' ')
  console.log(
    `✘ ${missing.map((need) => need.name).join(' and ')} missing; their tests will fail. → sudo apt-get install ${packages}`,
  )
} else {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync('apt-get', ['update', '-q'], { stdio: 'ignore', env: environment })
  // The service that the package would start is not wanted: tests start their own.
  spawnSync(
    'apt-get',
    ['install', '-q', '-y', '--no-install-recommends', ...missing.flatMap((need) => need.packages)],
    { stdio: 'ignore', env: environment },
  )
  for (const need of missing)
    console.log(need.isThere() ? `✔ installed ${need.name}` : `✘ ${need.name} could not be installed`)
}
