import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export interface Ran {
  readonly code: number
  readonly out: string
}

/** A folder that looks like a checkout to the commands of the pages, with ports of its own. */
export interface Reader {
  readonly controlUrl: string
  readonly gatewayUrl: string
  readonly folder: string
  key(): string
  /** Runs a block as the reader would who pasted it: variables, functions and folders stay for the next one. */
  paste(script: string): Promise<Ran>
  close(): Promise<void>
}

export async function openReader(): Promise<Reader> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-docs-'))
  for (const name of ['bin', 'samples']) symlinkSync(resolve(name), join(folder, name))
  const [controlPort, gatewayPort] = [await freePort(), await freePort()]
  const adapt = (script: string) =>
    script
      .replaceAll('127.0.0.1:8081', `127.0.0.1:${controlPort}`)
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${gatewayPort}`)
      .replace(/^slipway up\b.*$/gm, `$& --control-port ${controlPort} --gateway-port ${gatewayPort}`)
  const paste = (script: string) => runIn(folder, adapt(script))
  return {
    controlUrl: `http://127.0.0.1:${controlPort}`,
    gatewayUrl: `http://127.0.0.1:${gatewayPort}`,
    folder,
    key: () =>
      (JSON.parse(readFileSync(join(folder, '.slipway', 'credentials.json'), 'utf8')) as { key: string }).key,
    paste,
    async close() {
      if (existsSync(join(folder, '.slipway'))) await runIn(folder, 'bin/slipway down')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const STATE = '.shell-state'

function runIn(folder: string, script: string): Promise<Ran> {
  const whole = [
    'set -aeuo pipefail',
    `[ -f ${STATE} ] && . ./${STATE}`,
    script,
    `{ export -p; declare -f; } > "$SLIPWAY_DOCS/${STATE}"`,
  ].join('\n')
  return new Promise((done, fail) => {
    const child = spawn('bash', ['-c', whole], {
      cwd: folder,
      env: { ...process.env, CI: 'true', NO_COLOR: '1', SLIPWAY_DOCS: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        out += chunk
      })
    child.once('error', fail)
    child.once('close', (code) => done({ code: code ?? -1, out }))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as { port: number }
  await new Promise((closed) => server.close(closed))
  return port
}
