import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type KeyLimits,
  type ModelContract,
  type Provider,
  provider,
  type Scope,
  type Snapshot,
  type SnapshotKey,
  type SnapshotModel,
  type TrafficShares,
} from '../../contracts/index.ts'
import { type Clock, macOfSecret, newKeySecret, silentLogger, systemClock } from '../../kernel/index.ts'
import { resplit } from '../../routing/index.ts'
import { defaultGatewayLimits, Gateway, type GatewayLimits } from '../index.ts'
import type { SharedLimits } from '../leases/shared-limits.ts'
import type { TextOptions } from '../text/text-front.ts'
import { FakeControl } from './fake-control.ts'
import { type FakeReplica, fakeReplica, sumContract } from './fake-replica.ts'
import type { ScriptedUpstream } from './scripted-upstream.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly json: Record<string, unknown>
}

export interface Sent {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string | Buffer
  signal?: AbortSignal
}

export interface WorldOptions {
  limits?: Partial<GatewayLimits>
  clock?: Clock
  /** Versions and their replicas; `{ v1: 1 }` at first. */
  replicas?: Record<string, number>
  shares?: TrafficShares
  contract?: ModelContract
  captureFailures?: boolean
  startControl?: boolean
  shared?: SharedLimits
  awaitReady?: boolean
  /** Models of text, the providers that their versions name, and what the gateway is given for them. */
  text?: { models: SnapshotModel[]; upstreams: ScriptedUpstream[]; options?: TextOptions }
}

/** A gateway on real sockets, with a fake control and fake replicas around it. */
export class World {
  readonly folder: string
  readonly control: FakeControl
  readonly pepper = randomBytes(32)
  readonly replicas = new Map<string, FakeReplica[]>()
  readonly options: WorldOptions
  readonly keys: SnapshotKey[] = []
  readonly contract: ModelContract
  /** A key with the scopes predict and read. */
  readonly key: string
  gateway!: Gateway
  port = 0
  revision = 0

  private constructor(folder: string, options: WorldOptions) {
    this.folder = folder
    this.options = options
    this.contract = options.contract ?? sumContract
    this.control = new FakeControl(newKeySecret('internal0').key)
    this.key = this.addKey({ scopes: ['predict', 'read'] })
  }

  static async open(options: WorldOptions = {}): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), 'slw-')), options)
    await world.control.start()
    if (options.startControl === false) await world.control.stop()
    for (const [version, count] of Object.entries(options.replicas ?? { v1: 1 }))
      for (let index = 0; index < count; index++) await world.addReplica(version)
    world.publish()
    world.gateway = world.newGateway()
    world.port = await world.gateway.start()
    if (options.awaitReady !== false) await world.ready()
    return world
  }

  newGateway(): Gateway {
    return new Gateway({
      name: 'gateway-0',
      host: '127.0.0.1',
      port: 0,
      reusePort: false,
      controlUrl: this.control.url,
      internalKey: this.control.internalKey,
      pepper: this.pepper,
      folder: join(this.folder, 'gateway-0'),
      limits: { ...defaultGatewayLimits, stopGraceMs: 20, stopTimeoutMs: 500, ...this.options.limits },
      clock: this.options.clock ?? systemClock,
      random: Math.random,
      log: silentLogger(),
      shared: this.options.shared,
      text: {
        openProvider: ({ name }) => this.upstream(name),
        ...this.options.text?.options,
      },
    })
  }

  upstream(name = 'acme'): ScriptedUpstream {
    const found = this.options.text?.upstreams.find(({ id }) => id === name)
    if (found === undefined) throw new Error(`no upstream is called ${name}`)
    return found
  }

  addKey(wanted: {
    scopes?: Scope[]
    tenant?: string
    limits?: Partial<KeyLimits>
    expiresAt?: number
  }): string {
    const { key, publicId, secret } = newKeySecret()
    this.keys.push({
      publicId,
      mac: macOfSecret(secret, this.pepper),
      tenant: wanted.tenant ?? 'default',
      scopes: wanted.scopes ?? ['predict'],
      limits: { requestsPerSecond: null, concurrency: null, ...wanted.limits },
      expiresAt: wanted.expiresAt ?? null,
    })
    return key
  }

  async addReplica(version: string): Promise<FakeReplica> {
    const list = this.replicas.get(version) ?? []
    const id = `${version}-${list.length}`
    const replica = await fakeReplica(`unix:${join(this.folder, `${id}.sock`)}`, id, this.contract)
    this.replicas.set(version, [...list, replica])
    return replica
  }

  replica(version = 'v1', index = 0): FakeReplica {
    return this.replicas.get(version)?.[index] as FakeReplica
  }

  snapshot(shares: TrafficShares = this.options.shares ?? { v1: 100 }): Snapshot {
    return {
      revision: ++this.revision,
      createdAt: Date.now(),
      keys: this.keys,
      providers: (this.options.text?.upstreams ?? []).map(({ id }) => providerOf(id)),
      models: [
        ...(this.options.text?.models ?? []),
        {
          model: 'm',
          contract: this.contract,
          experiment: 'm/1',
          slices: resplit([], shares),
          captureFailures: this.options.captureFailures ?? true,
          versions: [...this.replicas].map(([label, replicas]) => ({
            label,
            id: `sha256:${label.slice(-1).repeat(64)}`,
            maxBatchRows: 32,
            replicas: replicas.map(({ id, address }) => ({ id, address, draining: false })),
          })),
        },
      ],
    }
  }

  publish(snapshot: Snapshot = this.snapshot()): void {
    this.control.publish(snapshot)
  }

  /** Publishes and waits until the gateway works from it. */
  async swap(snapshot: Snapshot = this.snapshot()): Promise<void> {
    this.publish(snapshot)
    await until(async () => (await this.metric('slipway_gateway_snapshot_revision')) === snapshot.revision)
  }

  async ready(): Promise<void> {
    await until(async () => (await this.send({ method: 'GET', path: '/readyz' })).status === 200)
  }

  async metric(name: string): Promise<number | undefined> {
    const { body } = await this.send({ method: 'GET', path: '/metrics' })
    const line = body
      .toString()
      .split('\n')
      .find((text) => text.startsWith(name))
    return line === undefined ? undefined : Number(line.split(' ').at(-1))
  }

  predict(rows: unknown, more: Sent & { params?: unknown; user?: unknown } = {}): Promise<Answer> {
    const { params, user, ...sent } = more
    return this.send({ body: JSON.stringify({ inputs: rows, params, user }), ...sent })
  }

  send(sent: Sent): Promise<Answer> {
    const { method = 'POST', path = '/api/v1/models/m/predict', headers = {}, body, signal } = sent
    const all = {
      authorization: `Bearer ${this.key}`,
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      ...headers,
    }
    return new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: this.port,
        method,
        path,
        headers: all,
        agent: false as const,
      }
      const request = httpRequest({ ...options, ...(signal === undefined ? {} : { signal }) }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve(answerOf(response.statusCode ?? 0, response.headers, Buffer.concat(chunks))),
        )
      })
      request.on('error', reject)
      request.end(body)
    })
  }

  /** Sends and gives the answer as it begins, to be read by the caller. */
  open(sent: Sent): Promise<IncomingMessage> {
    const { method = 'POST', path, headers = {}, body, signal } = sent
    const all = {
      authorization: `Bearer ${this.key}`,
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      ...headers,
    }
    return new Promise((resolve, reject) => {
      const where = { host: '127.0.0.1', port: this.port, method, path, headers: all, agent: false as const }
      const request = httpRequest({ ...where, ...(signal === undefined ? {} : { signal }) }, resolve)
      request.on('error', reject)
      request.end(body)
    })
  }

  /** The records control has, once there are so many. */
  async records(count: number) {
    await until(() => this.control.records.length >= count)
    return this.control.records
  }

  async close(): Promise<void> {
    await this.gateway.stop()
    await Promise.all(
      [...this.replicas.values()].flat().map((replica) => replica.kill().catch(() => undefined)),
    )
    await this.control.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}

function providerOf(name: string): Provider {
  return provider.parse({ name, kind: 'openai-compatible', revision: 1, updatedAt: 0 })
}

export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const endsAt = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > endsAt) throw new Error(`not so within ${timeoutMs} ms: ${String(holds)}`)
    await systemClock.sleep(5)
  }
}

function answerOf(status: number, headers: IncomingHttpHeaders, body: Buffer): Answer {
  return {
    status,
    headers,
    body,
    get json() {
      return JSON.parse(body.toString()) as Record<string, unknown>
    },
  }
}
