import { randomUUID } from 'node:crypto'
import { type ConstructorOptions, type Job, PgBoss } from 'pg-boss'
import type { Logger } from '../kernel/index.ts'
import type { Database } from './database.ts'
import type { JobQueue } from './store.ts'
import { asStoreError } from './store-error.ts'

/**
 * Jobs by pg-boss in the schema `jobs`, started at the first use. A queue is `exclusive`: one job a key waiting or
 * running. Workers hear of a new job by NOTIFY and poll for what waits for its time: retries and deferred jobs.
 *
 * A job that a kill interrupted is taken up again: the embedded store has one process, so every job that is running
 * when it opens is such a one; on PostgreSQL it is one whose heartbeat stopped.
 */
export function createJobQueue(database: Database, logger: Logger): JobQueue & { close(): Promise<void> } {
  let starting: Promise<PgBoss> | undefined
  const queues = new Map<string, Promise<void>>()
  const stops = new Set<() => Promise<void>>()
  const closing = new AbortController()

  const boss = () => {
    starting ??= startBoss(database, logger).catch((error: unknown) => {
      starting = undefined
      throw asStoreError(error)
    })
    return starting
  }
  const queueOf = async (name: string) => {
    const ready = queues.get(name) ?? boss().then((started) => makeQueue(started, name, database))
    queues.set(name, ready)
    try {
      await ready
    } catch (error) {
      queues.delete(name)
      throw asStoreError(error)
    }
    return boss()
  }

  return {
    send: async (queue, data, options = {}) => {
      const started = await queueOf(queue)
      try {
        await started.send(queue, data, {
          singletonKey: options.key ?? randomUUID(),
          ...(options.startAfterMs === undefined
            ? {}
            : { startAfter: new Date(Date.now() + options.startAfterMs) }),
        })
      } catch (error) {
        throw asStoreError(error)
      }
    },

    work: async (queue, handler) => {
      const started = await queueOf(queue)
      const run = async ([job]: Job<Record<string, unknown>>[]) => {
        if (job === undefined) return
        try {
          await handler(job.data, AbortSignal.any([job.signal, closing.signal]))
        } catch (error) {
          logger.warn({ err: error, queue, job: job.id }, 'job failed, it will be tried again')
          throw error
        } finally {
          // Else the next one that waits would be found by polling only: a NOTIFY wakes once, however many wait.
          started.notifyWorker(id)
        }
      }
      const id = await started.work<Record<string, unknown>>(queue, POLLING, run)
      const stop = async () => {
        stops.delete(stop)
        await started.offWork(queue, { id, wait: true })
      }
      stops.add(stop)
      return stop
    },

    close: async () => {
      closing.abort(new Error('the store closes'))
      const started = await starting?.catch(() => undefined)
      if (started === undefined) return
      await Promise.race([Promise.all([...stops].map((stop) => stop())), pause(GRACE_MS)])
      await started.stop({ graceful: false, close: database.kind === 'postgres' })
    },
  }
}

export const JOBS_SCHEMA = 'jobs'

/** How long a job may take to give up when the store closes; what does not is taken up at the next start. */
const GRACE_MS = 5000

const POLLING = { batchSize: 1, pollingIntervalSeconds: 2, notifyPollingIntervalSeconds: 2 }

/** A day is pg-boss's bound. Checks are long; what hangs is found by its heartbeat. */
const EXPIRE_SECONDS = 24 * 3600 - 1
const HEARTBEAT_SECONDS = 10
const RETRIES = { retryLimit: 10, retryDelay: 1, retryBackoff: true, retryDelayMax: 60 }

async function startBoss(database: Database, logger: Logger): Promise<PgBoss> {
  const options: ConstructorOptions = {
    ...database.bossOptions(),
    schema: JOBS_SCHEMA,
    schedule: false,
    useListenNotify: true,
    registerInstance: false,
    monitorVacuum: false,
    reindex: false,
    openTelemetry: { enabled: false },
    // How soon a stopped heartbeat is seen. The embedded store has none to look for, and idles cheaper.
    ...(database.kind === 'postgres' ? { superviseIntervalSeconds: 5, monitorIntervalSeconds: 5 } : {}),
  }
  const boss = new PgBoss(options)
  boss.on('error', (error) => logger.warn({ reason: error.message }, 'job queue failed'))
  boss.on('warning', (warning) => logger.warn({ warning }, 'job queue warned'))
  await boss.start()
  return boss
}

async function makeQueue(boss: PgBoss, name: string, database: Database): Promise<void> {
  await boss.createQueue(name, {
    policy: 'exclusive',
    notify: true,
    expireInSeconds: EXPIRE_SECONDS,
    heartbeatSeconds: HEARTBEAT_SECONDS,
    deleteAfterSeconds: 24 * 3600,
    ...RETRIES,
  })
  if (database.kind === 'embedded') await recover(boss, name)
}

/** Only what this process found running: nobody else can be at work on an embedded store. */
async function recover(boss: PgBoss, name: string): Promise<void> {
  const orphans = await boss.findJobs(name, {})
  const running = orphans.filter(({ state }) => state === 'active').map(({ id }) => id)
  if (running.length > 0) await boss.fail(name, running, { reason: 'the process went away' })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
