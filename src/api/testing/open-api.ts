import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { NewModel, Scope } from '../../contracts/index.ts'
import type { Fleet } from '../../fleet/index.ts'
import { macOfSecret, newKeySecret, silentLogger, systemClock } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'
import { openTestStore } from '../../store/testing.ts'
import type { ApiParts } from '../parts.ts'
import { createApi } from '../server.ts'

export const pepper = Buffer.from('test pepper')

export const spamModel: NewModel = {
  model: 'spam_filter',
  description: '',
  owner: 'platform',
  task: 'classification',
  framework: 'onnx',
  contract: {
    inputs: [{ name: 'text', dtype: 'string', shape: [] }],
    outputs: [{ name: 'label', dtype: 'int64', shape: [] }],
  },
  captureFailures: true,
}

export interface TestApi {
  readonly app: FastifyInstance
  readonly store: Store
  readonly url: string
  keyFor(...scopes: Scope[]): Promise<string>
  close(): Promise<void>
}

/** The API over a real embedded store, listening; rooms behind it are stand-ins where a test does not bring its own. */
export async function openTestApi(parts: Partial<ApiParts> = {}): Promise<TestApi> {
  const store = parts.store ?? (await openTestStore())
  const app = await createApi({
    store,
    fleet: idleFleet(),
    changes: absent('changes'),
    telemetry: absent('telemetry'),
    batches: absent('batches'),
    leases: absent('leases'),
    clock: systemClock,
    logger: silentLogger(),
    pepper,
    version: '0.0.0-test',
    startedAt: Date.now(),
    webFolder: undefined,
    processes: async () => [],
    textReplicas: async () => [],
    metrics: async () => '',
    ...parts,
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    app,
    store,
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    async keyFor(...scopes) {
      const { publicId, secret, key } = newKeySecret()
      await store.keys.create({
        publicId,
        mac: macOfSecret(secret, pepper),
        name: scopes.join('+'),
        tenant: 'default',
        scopes,
        limits: { requestsPerSecond: null, concurrency: null },
        expiresAt: null,
      })
      return key
    },
    async close() {
      await app.close()
      await store.close()
    },
  }
}

function idleFleet(): Fleet {
  const fleet: Pick<Fleet, 'championOf' | 'replicas'> = {
    championOf: async () => undefined,
    replicas: () => [],
  }
  return { ...absent<Fleet>('fleet'), ...fleet }
}

/** Whatever a test did not bring says so when it is used. */
function absent<T extends object>(what: string): T {
  return new Proxy({} as T, {
    get: (_, name) => () => Promise.reject(new Error(`${what}.${String(name)} was not brought by the test`)),
  })
}
