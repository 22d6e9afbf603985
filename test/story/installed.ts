import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Slipway as somebody else has it: packed, installed from the tarball into an empty folder, run from there. */
export interface Installed {
  readonly folder: string
  readonly controlUrl: string
  readonly gatewayUrl: string
  slipway(...args: string[]): Promise<Ran>
  json<T>(...args: string[]): Promise<T>
  remove(): Promise<void>
}

export async function installPacked(): Promise<Installed> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-installed-'))
  must(spawnSync('npm', ['pack', '--pack-destination', folder, '--loglevel=error'], { encoding: 'utf8' }))
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack made no tarball')
  must(spawnSync('npm', ['init', '-y'], { cwd: folder, encoding: 'utf8' }))
  const environment = {
    ...process.env,
    ONNXRUNTIME_NODE_INSTALL: 'skip',
    ONNXRUNTIME_NODE_INSTALL_CUDA: 'skip',
  }
  must(
    spawnSync(
      'npm',
      ['install', `./${tarball}`, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'],
      { cwd: folder, encoding: 'utf8', env: environment },
    ),
  )
  const [controlPort, gatewayPort] = [await freePort(), await freePort()]
  const run = (args: string[]) => runCommand(folder, ['node_modules/.bin/slipway', ...args])
  return {
    folder,
    controlUrl: `http://127.0.0.1:${controlPort}`,
    gatewayUrl: `http://127.0.0.1:${gatewayPort}`,
    slipway: (...args) =>
      run(
        args[0] === 'up'
          ? [...args, '--control-port', String(controlPort), '--gateway-port', String(gatewayPort)]
          : args,
      ),
    async json<T>(...args: string[]) {
      const { out, err } = await run([...args, '--json'])
      if (out === '') throw new Error(err)
      return JSON.parse(out) as T
    },
    async remove() {
      await run(['down'])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export function runCommand(
  cwd: string,
  [command, ...args]: string[],
  environment: Record<string, string> = {},
): Promise<Ran> {
  return new Promise((done, fail) => {
    const child = spawn(resolve(cwd, command as string), args, {
      cwd,
      env: { ...process.env, CI: 'true', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      err += chunk
    })
    child.once('error', fail)
    child.once('close', (code) => done({ code: code ?? -1, out, err }))
  })
}

function must(done: { status: number | null; stdout: string; stderr: string }): void {
  if (done.status !== 0) throw new Error(`${done.stdout}\n${done.stderr}`)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as { port: number }
  await new Promise((closed) => server.close(closed))
  return port
}
