import type { ReplicaStatus } from '../../contracts/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { ObservedReplica, ReplicaBackend } from '../fleet.ts'

type Started = Parameters<ReplicaBackend['start']>[0]

/** Replicas without processes: they do what a test tells them, and they outlive whoever started them. */
export interface FakeBackend extends ReplicaBackend {
  becomeReady(replicaId: string): void
  /** It says why it cannot run, and ends. */
  fail(replicaId: string, code: string, detail?: string): void
  /** It ends without a word. */
  kill(replicaId: string): void
  readonly started: Started[]
  readonly stopped: string[]
}

export interface FakeBackendOptions {
  readonly clock: Clock
  /** Whether a started replica is ready at once; otherwise the test says when. */
  readonly readyAtOnce?: boolean
}

export function createFakeBackend(options: FakeBackendOptions): FakeBackend {
  const replicas = new Map<string, ObservedReplica>()
  const listeners = new Set<() => void>()
  const started: Started[] = []
  const stopped: string[] = []

  function change(replicaId: string, alive: boolean, status: Partial<ReplicaStatus>): void {
    const replica = replicas.get(replicaId)
    if (replica === undefined || !replica.alive) return
    replicas.set(replicaId, { ...replica, alive, status: { ...replica.status, ...status } })
    tell()
  }
  function tell(): void {
    for (const listener of [...listeners]) listener()
  }

  return {
    started,
    stopped,
    async start(spec) {
      const { replicaId, model, label, versionId } = spec
      const status: ReplicaStatus = {
        replicaId,
        pid: 1,
        phase: options.readyAtOnce === true ? 'ready' : 'starting',
        address: `unix:/fake/${replicaId}`,
        httpUrl: null,
        startedAt: options.clock.nowMs(),
        loadMs: null,
        failure: null,
      }
      started.push(spec)
      replicas.set(replicaId, { replicaId, model, label, versionId, status, alive: true })
      tell()
    },
    async stop(replicaId) {
      if (!replicas.delete(replicaId)) return
      stopped.push(replicaId)
      tell()
    },
    async list() {
      return [...replicas.values()]
    },
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      listeners.clear()
    },
    becomeReady: (replicaId) => change(replicaId, true, { phase: 'ready', loadMs: 1 }),
    fail: (replicaId, code, detail = code) =>
      change(replicaId, false, { phase: 'failed', failure: { code, detail } }),
    kill: (replicaId) => change(replicaId, false, {}),
  }
}
