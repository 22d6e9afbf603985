/**
 * A private PostgreSQL for tests: a cluster of its own in a temporary folder, on a Unix socket only.
 *
 *   node scripts/postgres.ts            starts one, prints its URL, stops it on Ctrl-C
 *
 * PostgreSQL does not run as root: started by root, it runs as the user `postgres` (or `nobody`).
 */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

export interface PrivatePostgres {
  /** Connection string by the socket. */
  readonly url: string
  readonly version: string
  /** Its own folder; goes when it is removed. */
  readonly folder: string
  start(): Promise<void>
  /** `fast` ends connections; `immediate` is a crash: the next start recovers from the log. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>
  /** Stops it and removes its folder. */
  remove(): Promise<void>
}

/** Makes the cluster and starts it; about 2 s. Throws, saying what to install, when there is no PostgreSQL ≥ 15. */
export async function privatePostgres(): Promise<PrivatePostgres> {
  const programs = findPrograms()
  const user = unprivilegedUser()
  // Short, since a socket's path may have 107 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'slpg-'))
  if (user !== undefined) await chown(folder, user.uid, user.gid)
  await chmod(folder, 0o700)
  const data = join(folder, 'data')
  const run = (program: string, ...args: string[]) => runAs(user, join(programs, program), args, folder)
  const control = (...args: string[]) => run('pg_ctl', '-D', data, '-w', '-t', '30', ...args)
  const options = `-c listen_addresses='' -c unix_socket_directories=${folder} -c fsync=off -c max_connections=60`

  await run('initdb', '-D', data, '-U', 'slipway', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync')
  const start = () => control('-l', join(folder, 'log'), '-o', options, 'start')
  const stop = (mode: 'fast' | 'immediate' = 'fast') => control('-m', mode, 'stop')
  await start()
  return {
    url: `postgres://slipway@/postgres?host=${encodeURIComponent(folder)}`,
    version: execFileSync(join(programs, 'postgres'), ['--version'], { encoding: 'utf8' }).trim(),
    folder,
    start,
    stop,
    remove: async () => {
      await stop('immediate').catch(() => undefined)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const OLDEST_VERSION = 15

/** `SLIPWAY_POSTGRES_BIN`, or the newest that Debian's layout has, or what is on the path. Installs it when root on Debian. */
function findPrograms(): string {
  const found = present()
  if (found !== undefined) return found
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    execFileSync('/usr/bin/apt-get', ['install', '-y', '-q', '--no-install-recommends', 'postgresql'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    const installed = present()
    if (installed !== undefined) return installed
  }
  throw new Error(
    `No PostgreSQL ${OLDEST_VERSION} or newer was found. Install it (Debian: apt-get install postgresql), set ` +
      'SLIPWAY_POSTGRES_BIN to its bin folder, or set SLIPWAY_TEST_POSTGRES=skip to leave its tests out.',
  )
}

function present(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian)
    ? readdirSync(debian)
        .map(Number)
        .filter((version) => version >= OLDEST_VERSION)
    : []
  const candidates = [
    process.env.SLIPWAY_POSTGRES_BIN,
    ...versions.sort((left, right) => right - left).map((version) => join(debian, String(version), 'bin')),
    ...(process.env.PATH ?? '').split(':'),
  ]
  return candidates.find(
    (folder) => folder && existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'pg_ctl')),
  )
}

interface User {
  readonly uid: number
  readonly gid: number
}

function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }))
      return { uid: id('-u'), gid: id('-g') }
    } catch {
      // No such user; the next one.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor nobody.')
}

async function runAs(user: User | undefined, program: string, args: string[], folder: string): Promise<void> {
  if (program.endsWith('pg_ctl') && args.includes('start')) return startDaemon(user, program, args, folder)
  await promisify(execFile)(program, args, { ...user, cwd: folder, timeout: 60_000 })
}

/** The server keeps what it inherits open, so it gets no pipe of ours: waiting for their end would take its life. */
function startDaemon(user: User | undefined, program: string, args: string[], folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...user, cwd: folder, stdio: 'ignore' })
    child.on('error', reject)
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`pg_ctl start ended with ${code}; see ${folder}/log`)),
    )
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const postgres = await privatePostgres()
  console.log(`${postgres.version}\n${postgres.url}`)
  const ended = Promise.withResolvers<void>()
  process.once('SIGINT', () => ended.resolve())
  process.once('SIGTERM', () => ended.resolve())
  const alive = setInterval(() => undefined, 60_000)
  await ended.promise
  clearInterval(alive)
  await postgres.remove()
}
