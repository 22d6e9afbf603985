import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalBackend, type ReplicaBackend } from '../fleet/index.ts'
import { type Logger, systemClock } from '../kernel/index.ts'
import type { DataFolder } from './data-folder.ts'
import { entryPath } from './entry.ts'

/** The replicas of a data folder as processes of this machine; control runs them, the supervisor ends them. */
export function localBackend(folder: DataFolder, logger: Logger): ReplicaBackend {
  return createLocalBackend({
    entry: entryPath('model-server'),
    replicasFolder: folder.replicas,
    logsFolder: folder.logs,
    shortFolder: join(tmpdir(), `slipway-${process.getuid?.() ?? 0}`),
    internalKeyFile: folder.internalKey,
    clock: systemClock,
    logger,
  })
}
