/**
 * A private Redis for tests: a server of its own in a temporary folder, on a loopback port that the system chose.
 *
 *   node scripts/redis.ts            starts one, prints its URL, stops it on Ctrl-C
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

export interface PrivateRedis {
  readonly url: string
  /** On the port it had before. Every write is on disk before it is answered. */
  start(): Promise<void>
  /** `SIGKILL`: a crash. `SIGSTOP` and `SIGCONT`: it hangs, and goes on. */
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
  /** Stops it and removes its folder. */
  remove(): Promise<void>
}

/** Starts it; about 0.1 s. Throws, saying what to install, when there is none. */
export async function privateRedis(): Promise<PrivateRedis> {
  const program = findProgram()
  const folder = await mkdtemp(join(tmpdir(), 'slrd-'))
  const port = await freePort()
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '']
  let child: ChildProcess | undefined
  const signal = async (name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT') => {
    const running = child
    if (running === undefined) return
    const ended = once(running, 'exit')
    running.kill(name)
    if (name !== 'SIGKILL') return
    await ended
    child = undefined
  }
  const start = async () => {
    const started = spawn(program, [...settings, '--appendonly', 'yes', '--appendfsync', 'always'], {
      stdio: 'ignore',
    })
    child = started
    for (let attempt = 0; !(await answers(port)); attempt++) {
      if (started.exitCode !== null || attempt > 500)
        throw new Error(`redis-server did not start (port ${port})`)
      await sleep(10)
    }
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    signal,
    remove: async () => {
      await signal('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** `SLIPWAY_REDIS_BIN`, Debian's, or what is on the path. Installs it when root on Debian. */
function findProgram(): string {
  const found = present()
  if (found !== undefined) return found
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    execFileSync('/usr/bin/apt-get', ['install', '-y', '-q', '--no-install-recommends', 'redis-server'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    const installed = present()
    if (installed !== undefined) return installed
  }
  throw new Error(
    'No redis-server was found. Install it (Debian: apt-get install redis-server), set SLIPWAY_REDIS_BIN to it, or set ' +
      'SLIPWAY_TEST_REDIS=skip to leave its tests out.',
  )
}

function present(): string | undefined {
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(':')]
  const candidates = [process.env.SLIPWAY_REDIS_BIN, ...folders.map((folder) => join(folder, 'redis-server'))]
  return candidates.find((path) => path !== undefined && path !== '' && existsSync(path))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.once('data', (data) => {
      socket.destroy()
      // While it reads its log it says that it is loading.
      resolve(data.toString().startsWith('+PONG'))
    })
    socket.once('error', () => resolve(false))
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const redis = await privateRedis()
  console.log(redis.url)
  const ended = Promise.withResolvers<void>()
  process.once('SIGINT', () => ended.resolve())
  process.once('SIGTERM', () => ended.resolve())
  const alive = setInterval(() => undefined, 60_000)
  await ended.promise
  clearInterval(alive)
  await redis.remove()
}
