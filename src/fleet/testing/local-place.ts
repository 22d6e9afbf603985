import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { VersionSpec } from '../../contracts/index.ts'
import { digestOf, newKeySecret, silentLogger, systemClock } from '../../kernel/index.ts'
import type { BackendPlace } from '../backends/backend.conformance.ts'
import { createLocalBackend, type LocalBackendOptions } from '../backends/local/local-backend.ts'

export interface LocalPlace extends BackendPlace {
  readonly folder: string
  readonly replicasFolder: string
  readonly options: LocalBackendOptions
}

export const modelServerEntry = resolve(import.meta.dirname, '../../apps/model-server.ts')

export const echoSpec: VersionSpec = {
  engine: 'echo',
  batching: { maxBatchSize: 32, maxQueueDelayMs: 1, maxQueueRows: 8192 },
  threads: 1,
  contract: {
    inputs: [{ name: 'x', dtype: 'float32', shape: [] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [] }],
  },
}

/** A data folder with real model servers; what is left running at the end is ended. */
export async function openLocalPlace(more: { below?: string; entry?: string } = {}): Promise<LocalPlace> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-fleet-'))
  const home = more.below === undefined ? folder : join(folder, more.below)
  mkdirSync(home, { recursive: true })
  const internalKeyFile = join(home, 'internal-key')
  writeFileSync(internalKeyFile, newKeySecret().key, { mode: 0o600 })
  const options: LocalBackendOptions = {
    entry: more.entry ?? modelServerEntry,
    replicasFolder: join(home, 'replicas'),
    logsFolder: join(home, 'logs'),
    shortFolder: join(folder, 'short'),
    internalKeyFile,
    clock: systemClock,
    logger: silentLogger(),
    killGraceMs: 300,
    pollMs: 50,
  }
  const backend = createLocalBackend(options)
  const wanted = (replicaId: string, label: string, spec: VersionSpec, files: Record<string, string>) => ({
    replicaId,
    model: 'spam',
    label,
    versionId: digestOf(spec),
    spec,
    files,
    drainTimeoutMs: 700,
  })
  const artifact = { digest: digestOf('nothing of the kind'), name: 'model.onnx' }
  return {
    folder,
    replicasFolder: options.replicasFolder,
    options,
    backend,
    later: () => createLocalBackend(options),
    good: (replicaId) => wanted(replicaId, 'good', echoSpec, {}),
    bad: (replicaId) =>
      wanted(
        replicaId,
        'bad',
        { ...echoSpec, engine: 'onnx', artifact },
        { artifact: join(home, 'internal-key') },
      ),
    kill: async (replicaId) => {
      const found = (await backend.list()).find((replica) => replica.replicaId === replicaId)
      if (found !== undefined) process.kill(found.status.pid, 'SIGKILL')
    },
    close: async () => {
      const last = createLocalBackend(options)
      await Promise.all((await last.list()).map((replica) => last.stop(replica.replicaId)))
      await Promise.all([last.close(), backend.close()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
