import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, type FSWatcher, mkdirSync, openSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { ReplicaSpec } from '../../../contracts/index.ts'
import { type Clock, keepLogsShort, type Logger } from '../../../kernel/index.ts'
import type { ReplicaBackend } from '../../fleet.ts'
import { isReplicaLog, pruneLogs } from './logs.ts'
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts'
import {
  makeReplicaFolder,
  nameProcess,
  readReplicaFolder,
  readReplicaFolders,
  removeRemains,
  removeReplicaFolder,
  specPath,
} from './replica-folder.ts'
import { socketPathOf } from './socket-path.ts'

export interface LocalBackendOptions {
  /** Program of the model server; gets the path of the spec as its only argument. */
  readonly entry: string
  /** Folder of one folder per replica. */
  readonly replicasFolder: string
  readonly logsFolder: string
  /** A folder of this user alone, for sockets when the data folder lies too deep for them. */
  readonly shortFolder: string
  readonly internalKeyFile: string
  readonly clock: Clock
  readonly logger: Logger
  /** Beyond the replica's own drain time, before it is killed. */
  readonly killGraceMs?: number
  /** How often to look, beside the file system's own notice. */
  readonly pollMs?: number
}

const EXIT_POLL_MS = 20

/**
 * Replicas as processes of this machine, one model server each. They are detached and write to their own log, so they
 * outlive control; all that is known of them is in files, so the next control process takes them over as they are.
 */
export function createLocalBackend(options: LocalBackendOptions): ReplicaBackend {
  const { replicasFolder, clock, logger } = options
  const folderOf = (replicaId: string) => join(replicasFolder, replicaId)
  const listeners = new Set<() => void>()
  const stops = new Map<string, Promise<void>>()
  mkdirSync(replicasFolder, { recursive: true })
  mkdirSync(options.logsFolder, { recursive: true })
  removeRemains(replicasFolder, clock.nowMs())

  function tell(): void {
    for (const listener of listeners) listener()
  }

  async function end(replicaId: string): Promise<void> {
    const folder = folderOf(replicaId)
    const found = readReplicaFolder(folder, clock.nowMs())
    if (found?.process !== undefined) {
      // A second SIGTERM would cut short what a draining server still answers.
      const wasTold = found.observed.status.phase === 'draining'
      if (!wasTold) signal(found.process, 'SIGTERM')
      const patienceMs = found.spec.drainTimeoutMs + (options.killGraceMs ?? 2_000)
      if (!(await hasEnded(found.process, clock, patienceMs))) {
        logger.warn({ replicaId, patienceMs }, 'replica did not end in time and was killed')
        signal(found.process, 'SIGKILL')
        await hasEnded(found.process, clock, 5_000)
      }
    }
    removeReplicaFolder(folder, found?.spec)
    tell()
  }

  const eye = lookAt(options, tell)
  const logs = keepLogsShort({ folder: options.logsFolder, isOurs: isReplicaLog, clock, logger })
  return {
    async start(wanted) {
      const runFolder = folderOf(wanted.replicaId)
      const spec: ReplicaSpec = {
        ...wanted,
        address: `unix:${socketPathOf(runFolder, wanted.replicaId, options.shortFolder)}`,
        runFolder,
        internalKeyFile: options.internalKeyFile,
      }
      makeReplicaFolder(runFolder, spec)
      const child = launch(options, spec)
      child.once('exit', tell)
      child.once('error', (error) => logger.error({ err: error }, 'replica could not be started'))
      if (child.pid !== undefined) nameProcess(runFolder, identify(child.pid))
      logger.info({ replicaId: spec.replicaId, model: spec.model, pid: child.pid }, 'replica started')
      tell()
    },
    stop(replicaId) {
      const running = stops.get(replicaId) ?? end(replicaId).finally(() => stops.delete(replicaId))
      stops.set(replicaId, running)
      return running
    },
    async list() {
      return readReplicaFolders(replicasFolder, clock.nowMs()).map((folder) => folder.observed)
    },
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      eye.close()
      logs.close()
      listeners.clear()
    },
  }
}

function launch(options: LocalBackendOptions, spec: ReplicaSpec): ChildProcess {
  pruneLogs(options.logsFolder)
  const log = openSync(
    join(options.logsFolder, `replica-${spec.model}-${spec.label}-${spec.replicaId}.log`),
    'a',
  )
  try {
    const child = spawn(process.execPath, [options.entry, specPath(spec.runFolder)], {
      detached: true,
      env: environment(spec.spec.engine === 'vllm'),
      stdio: ['ignore', log, log],
    })
    child.unref()
    return child
  } finally {
    closeSync(log)
  }
}

/** What a process needs of its surroundings; secrets of control (a database's address) are not among it. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'LC_ALL', 'LD_LIBRARY_PATH', 'OMP_NUM_THREADS']

/** What GPU programs of other projects read: devices, where weights are kept, tokens of the hub, proxies. */
const PASSED_TO_FOREIGN =
  /^(CUDA_|NVIDIA_|ROCR_|HIP_|HF_|HUGGING_FACE_|HUGGINGFACE_|TRANSFORMERS_|VLLM_|TRITON_|TRTLLM_|NCCL_|TORCH|PYTORCH_|PYTHON|VIRTUAL_ENV$|CONDA_|XDG_CACHE_HOME$|OMP_|LD_|SSL_CERT_|REQUESTS_CA_BUNDLE$|https?_proxy$|no_proxy$|HTTPS?_PROXY$|NO_PROXY$)/

function environment(isForeign: boolean): Record<string, string> {
  const names = isForeign
    ? [...PASSED_ON, ...Object.keys(process.env).filter((name) => PASSED_TO_FOREIGN.test(name))]
    : PASSED_ON
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
}

function signal(identity: ProcessIdentity, name: 'SIGTERM' | 'SIGKILL'): void {
  if (!isRunning(identity)) return
  try {
    process.kill(identity.pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function hasEnded(identity: ProcessIdentity, clock: Clock, patienceMs: number): Promise<boolean> {
  const deadlineMs = clock.monotonicMs() + patienceMs
  while (isRunning(identity)) {
    if (clock.monotonicMs() > deadlineMs) return false
    await clock.sleep(EXIT_POLL_MS)
  }
  return true
}

/** The file system tells of new states at once; the poll sees deaths, which write no file. */
function lookAt(options: LocalBackendOptions, tell: () => void): { close(): void } {
  const { replicasFolder, clock, logger } = options
  let seen = ''
  const poll = setInterval(() => {
    const now = JSON.stringify(readReplicaFolders(replicasFolder, clock.nowMs()).map((each) => each.observed))
    if (now === seen) return
    seen = now
    tell()
  }, options.pollMs ?? 500)
  poll.unref()
  let watcher: FSWatcher | undefined
  try {
    watcher = watch(replicasFolder, { recursive: true, persistent: false }, (_event, name) => {
      if (name?.endsWith('status.json') === true) tell()
    })
    watcher.on('error', (error) =>
      logger.warn({ err: error }, 'watching the replicas folder failed, polling'),
    )
  } catch (error) {
    logger.warn({ err: error }, 'the replicas folder cannot be watched, polling')
  }
  return {
    close() {
      clearInterval(poll)
      watcher?.close()
    },
  }
}
