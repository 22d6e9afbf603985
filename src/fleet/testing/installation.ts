import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { silentLogger, systemClock } from '../../kernel/index.ts'
import { createLocalBackend } from '../backends/local/local-backend.ts'
import type { ObservedReplica } from '../fleet.ts'
import { modelServerEntry } from './local-place.ts'

/** Control and a gateway as the processes that they are, over a data folder of their own. */
export interface Installation {
  readonly folder: string
  readonly gatewayUrl: string
  readonly key: string
  startControl(): Promise<void>
  /** SIGKILL. */
  killControl(): Promise<void>
  startGateway(): Promise<void>
  /** Resolves when the process is gone; at once when it was gone already. */
  end(process: 'control' | 'gateway', signal: NodeJS.Signals): Promise<void>
  /** The control API as it answers, whatever it answers. */
  ask(method: string, path: string, body?: unknown): Promise<Response>
  /** An answer of the control API, or its problem, thrown. */
  call<T = unknown>(method: string, path: string, body?: unknown): Promise<T>
  replicas(): Promise<ObservedReplica[]>
  close(): Promise<void>
}

export interface InstallationOptions {
  /** The data folder, which goes at the end; left out: a new one. */
  readonly folder?: string
  /** What the processes get beside ports and folder. */
  readonly environment?: Readonly<Record<string, string>>
  /** Where the processes write their logs; left out: into the data folder. */
  readonly logsFolder?: string
}

const apps = resolve(import.meta.dirname, '../../apps')

export async function openInstallation(options: InstallationOptions = {}): Promise<Installation> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'slipway-whole-'))
  const [controlPort, gatewayPort] = [await freePort(), await freePort()]
  const controlUrl = `http://127.0.0.1:${controlPort}`
  const gatewayUrl = `http://127.0.0.1:${gatewayPort}`
  const environment = {
    ...process.env,
    SLIPWAY_DATA: folder,
    SLIPWAY_CONTROL_PORT: String(controlPort),
    SLIPWAY_GATEWAY_PORT: String(gatewayPort),
    SLIPWAY_CONTROL_URL: controlUrl,
    SLIPWAY_GATEWAY_URL: gatewayUrl,
    ...options.environment,
  }
  const children = new Map<string, ChildProcess>()
  const launch = (name: string): ChildProcess => {
    const log = openSync(join(options.logsFolder ?? folder, `${name}.log`), 'a')
    const child = spawn(process.execPath, [join(apps, `${name}.ts`)], {
      env: environment,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    children.set(name, child)
    return child
  }
  const end = async (name: string, signal: NodeJS.Signals) => {
    const child = children.get(name)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
  const backend = createLocalBackend({
    entry: modelServerEntry,
    replicasFolder: join(folder, 'replicas'),
    logsFolder: join(folder, 'logs'),
    shortFolder: join(folder, 'short'),
    internalKeyFile: join(folder, 'secrets', 'internal-key'),
    clock: systemClock,
    logger: silentLogger(),
  })
  const credentials = join(folder, 'credentials.json')
  const keyOf = () => (JSON.parse(readFileSync(credentials, 'utf8')) as { key: string }).key

  const ask = (method: string, path: string, body?: unknown) =>
    fetch(`${controlUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${keyOf()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

  const installation: Installation = {
    folder,
    gatewayUrl,
    get key() {
      return keyOf()
    },
    async startControl() {
      launch('control')
      await answers(`${controlUrl}/readyz`)
    },
    killControl: () => end('control', 'SIGKILL'),
    async startGateway() {
      launch('gateway')
      await answers(`${gatewayUrl}/livez`)
    },
    end,
    ask,
    async call<T>(method: string, path: string, body?: unknown) {
      const answer = await ask(method, path, body)
      const content = (await answer.json()) as T
      if (!answer.ok) throw new Error(`${method} ${path}: ${JSON.stringify(content)}`)
      return content
    },
    replicas: () => backend.list(),
    async close() {
      await end('gateway', 'SIGTERM')
      await end('control', 'SIGTERM')
      await Promise.all((await backend.list()).map((replica) => backend.stop(replica.replicaId)))
      await backend.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    await installation.startControl()
    while (!existsSync(credentials)) await systemClock.sleep(20)
    await installation.startGateway()
    return installation
  } catch (error) {
    await installation.close()
    throw error
  }
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok === true) return
    await systemClock.sleep(50)
  }
  throw new Error(`${url} does not answer`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
