/** What stands before the same provider beside us: nginx, as the limit, and the least that a proxy in Node can do. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Peer {
  readonly name: string
  readonly url: string
  /** Processes whose CPU time and memory count. */
  pids(): number[]
  stop(): Promise<void>
}

const NGINX = '/usr/sbin/nginx'

export async function startUpstream(): Promise<{ port: number; stop(): Promise<void> }> {
  const { child, port } = await forked('upstream.ts', [])
  return { port, stop: () => ended(child) }
}

export async function startBare(upstreamPort: number): Promise<Peer> {
  const { child, port } = await forked('../path/bare-proxy.ts', [String(upstreamPort)])
  return {
    name: 'bare proxy in Node',
    url: `http://127.0.0.1:${port}/v1/chat/completions`,
    pids: () => [child.pid as number],
    stop: () => ended(child),
  }
}

/** Undefined where nginx is not installed (Debian: `apt-get install nginx-light`). One worker, as we are one process. */
export async function startNginx(upstreamPort: number): Promise<Peer | undefined> {
  if (!existsSync(NGINX)) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'bench-nginx-'))
  const port = await freePort()
  writeFileSync(
    join(folder, 'nginx.conf'),
    `worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  keepalive_requests 100000000;
  upstream provider { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}`,
  )
  const child = spawn(NGINX, ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' })
  await answering(`http://127.0.0.1:${port}/`)
  return {
    name: 'nginx',
    url: `http://127.0.0.1:${port}/v1/chat/completions`,
    pids: () => [child.pid as number, ...childrenOf(child.pid as number)],
    async stop() {
      await ended(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** User and system time so far, seconds; ticks of /proc are 10 ms. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return sum + (Number(fields[11]) + Number(fields[12])) / 100
  }, 0)
}

async function forked(file: string, words: string[]): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), words)
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => {
      try {
        return Number(readFileSync(`/proc/${other}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]) === pid
      } catch {
        return false
      }
    })
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

async function answering(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const isThere = await fetch(url, { method: 'POST', body: '{}' }).then(
      () => true,
      () => false,
    )
    if (isThere) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`${url} does not answer`)
}
