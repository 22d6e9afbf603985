import type {
  Model,
  RequestRecord,
  Rollout,
  RolloutLook,
  Version,
  VersionSpec,
} from '../../contracts/index.ts'
import { type Clock, digestOf, SlipwayError } from '../../kernel/index.ts'
import type { DeploymentRow, Store, StoredKey, TrafficRow, Written } from '../../store/index.ts'

/** The part of the store that the fleet uses, in memory, for simulations that open it a thousand times. */
export interface MemoryStore extends Store {
  /** Called before each write; what it throws is what the writer gets, and nothing is written. */
  onWrite: (() => void) | undefined
  /** Splits as they were written, oldest first. */
  readonly splits: TrafficRow[]
  requestRecords: RequestRecord[]
  addModel(name: string, labels: readonly string[]): void
}

const contract: Model['contract'] = {
  inputs: [{ name: 'features', dtype: 'float32', shape: [1] }],
  outputs: [{ name: 'score', dtype: 'float32', shape: [] }],
}

export function createMemoryStore(clock: Clock): MemoryStore {
  const models = new Map<string, Model>()
  const versions = new Map<string, Version>()
  const deployments = new Map<string, DeploymentRow>()
  const traffic = new Map<string, TrafficRow>()
  const splits: TrafficRow[] = []
  const rollouts = new Map<string, Rollout>()
  const looks = new Map<string, RolloutLook[]>()
  const keys: StoredKey[] = []
  const listeners = new Set<(written: Written) => void>()

  function write<T>(topic: Written['topic'], key: string, change: () => T): T {
    store.onWrite?.()
    const result = change()
    for (const listener of [...listeners]) listener({ topic, key })
    return result
  }
  function patchRollout(id: string, patch: Partial<Rollout>): Rollout {
    const next = { ...(rollouts.get(id) as Rollout), ...patch }
    rollouts.set(id, next)
    return next
  }
  function patchDeployment(model: string, label: string, patch: Partial<DeploymentRow>): DeploymentRow {
    const next = { ...(deployments.get(`${model}/${label}`) as DeploymentRow), ...patch }
    deployments.set(`${model}/${label}`, next)
    return next
  }

  const store = {
    kind: 'embedded',
    onWrite: undefined as (() => void) | undefined,
    splits,
    requestRecords: [] as RequestRecord[],
    addModel(name: string, labels: readonly string[]) {
      const base = {
        description: '',
        owner: '',
        task: '',
        framework: '',
        captureFailures: true,
        createdAt: 0,
      }
      models.set(name, { model: name, contract, ...base })
      const batching = { maxBatchSize: 32, maxQueueDelayMs: 5, maxQueueRows: 8192 }
      labels.forEach((label, index) => {
        const spec: VersionSpec = { engine: 'echo', batching, threads: 1, contract }
        versions.set(`${name}/${label}`, {
          model: name,
          label,
          id: digestOf({ label }),
          spec,
          createdAt: index,
        })
      })
    },
    models: {
      async get(name: string) {
        return models.get(name) ?? refuse('unknown_model', { model: name })
      },
      async list() {
        return { items: [...models.values()], next: null }
      },
    },
    versions: {
      async get(model: string, label: string) {
        return versions.get(`${model}/${label}`) ?? refuse('unknown_version', { model, version: label })
      },
    },
    artifacts: { materialise: async () => '/nowhere' },
    deployments: {
      async upsert(wanted: Parameters<Store['deployments']['upsert']>[0]) {
        const { model, version } = wanted
        return write('deployments', model, () => {
          const before = deployments.get(`${model}/${version}`)
          const row: DeploymentRow = {
            id: `d-${version}`,
            trafficPercent: 0,
            createdAtMs: clock.nowMs(),
            ...before,
            status: before?.status === 'active' ? 'active' : 'deploying',
            reason: null,
            ...wanted,
          }
          deployments.set(`${model}/${version}`, row)
          return row
        })
      },
      async setStatus(
        model: string,
        version: string,
        status: DeploymentRow['status'],
        reason: string | null,
      ) {
        write('deployments', model, () => patchDeployment(model, version, { status, reason }))
      },
      async setReplicas(model: string, version: string, replicas: number) {
        return write('deployments', model, () => patchDeployment(model, version, { replicas }))
      },
      async find(model: string, version: string) {
        return deployments.get(`${model}/${version}`)
      },
      async list(options: { model?: string; includeStopped?: boolean } = {}) {
        return [...deployments.values()].filter(
          (row) =>
            (options.model === undefined || row.model === options.model) &&
            (options.includeStopped === true || row.status !== 'stopped'),
        )
      },
    },
    traffic: {
      async get(model: string) {
        return traffic.get(model)
      },
      async list() {
        return [...traffic.values()]
      },
      async set(model: string, split: Parameters<Store['traffic']['set']>[1]) {
        return write('traffic', model, () => {
          const revision = (traffic.get(model)?.revision ?? 0) + 1
          const row: TrafficRow = { model, revision, updatedAt: clock.nowMs(), ...split }
          traffic.set(model, row)
          splits.push(row)
          for (const [key, { trafficWhenActive, ...deployment }] of deployments) {
            if (deployment.model !== model) continue
            const isNamed = deployment.version in split.shares
            const promise = isNamed || trafficWhenActive === undefined ? {} : { trafficWhenActive }
            const trafficPercent = split.shares[deployment.version] ?? 0
            deployments.set(key, { ...deployment, ...promise, trafficPercent })
          }
          return row
        })
      },
      async history(model: string, limit: number) {
        return splits
          .filter((row) => row.model === model)
          .toReversed()
          .slice(0, limit)
      },
    },
    requestLog: {
      async list() {
        return { items: store.requestRecords, next: null }
      },
    },
    rollouts: {
      async create(rollout: Rollout) {
        write('rollouts', rollout.id, () => rollouts.set(rollout.id, rollout))
      },
      async get(id: string) {
        return rollouts.get(id)
      },
      async listOpen() {
        return [...rollouts.values()].filter((rollout) => rollout.finishedAt === null)
      },
      async update(id: string, patch: Partial<Rollout>) {
        return write('rollouts', id, () => patchRollout(id, patch))
      },
      async putLook(look: RolloutLook, patch: Partial<Rollout>) {
        return write('looks', look.rolloutId, () => {
          const before = looks.get(look.rolloutId) ?? []
          if (before.some((each) => each.sequence === look.sequence)) refuse('conflict', { what: 'The look' })
          looks.set(look.rolloutId, [...before, look])
          return patchRollout(look.rolloutId, patch)
        })
      },
      async looks(id: string) {
        return looks.get(id) ?? []
      },
    },
    settings: { list: async () => [] },
    keys: {
      async list() {
        return { items: keys, next: null }
      },
    },
    watch(listener: (written: Written) => void) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async ping() {},
    async close() {},
  }
  return store as unknown as MemoryStore
}

function refuse(
  code: ConstructorParameters<typeof SlipwayError>[0],
  parameters: Record<string, string>,
): never {
  throw new SlipwayError(code, parameters)
}
