import type { Change } from '../contracts/index.ts'
import { advance, type Turn } from './advance.ts'
import { last } from './facts.ts'
import type { Ledger } from './ledger.ts'
import type { ChangeParts } from './parts.ts'
import { FINAL_STATES } from './state.ts'

const QUEUE = 'change.advance'
/** Changes in a canary, or waiting for their turn to measure, do not keep the others from moving. */
const WORKERS = 4
const LOOK_AGAIN_MS = 1_000
/** A change that ended longer ago has been put away, or never will be by itself. */
const STILL_SETTLING_MS = 86_400_000
const PAGE = 200

/**
 * Keeps changes moving. Each change has at most one durable job; whoever wants it to move sends one, and a change that
 * waits for something outside is looked at again every second, or as soon as its rollout is written.
 */
export interface Runner {
  open(): Promise<void>
  wake(id: string): Promise<void>
  /** Ends the check that this change is running, if it is. */
  stopMeasuring(id: string): void
  close(): Promise<void>
}

export function createRunner(parts: ChangeParts, ledger: Ledger): Runner {
  const { store, clock, logger } = parts
  const stop = new AbortController()
  const measuring = new Map<string, AbortController>()
  /** When each waiting change is to be looked at again. */
  const waiting = new Map<string, number>()
  const running = new Set<string>()
  /** Woken while running: look once more before it counts as waiting. */
  const wokenMeanwhile = new Set<string>()
  const turn = createTurn(() => {
    for (const id of waiting.keys()) waiting.set(id, 0)
  })
  const undos: (() => void | Promise<void>)[] = []
  let timer: Promise<void> | undefined

  const wake = async (id: string): Promise<void> => {
    if (running.has(id)) wokenMeanwhile.add(id)
    else await store.jobs.send(QUEUE, { change: id }, { key: id })
  }

  /**
   * The job's own signal is not listened to: a queue that takes a busy process for gone hands the job out again, and
   * that one finds the change running here. Stopping half-way would throw away what is being measured.
   */
  const work = async (id: string): Promise<void> => {
    if (running.has(id)) {
      wokenMeanwhile.add(id)
      return
    }
    running.add(id)
    try {
      do {
        wokenMeanwhile.delete(id)
        waiting.delete(id)
        const outcome = await advance(parts, ledger, id, { signal: stop.signal, turn, measuring })
        if (outcome.kind === 'wait') waiting.set(id, outcome.untilMs ?? clock.nowMs() + LOOK_AGAIN_MS)
      } while (wokenMeanwhile.has(id))
    } catch (error) {
      if (stop.signal.aborted) return
      logger.error({ change: id, error }, 'change did not advance; it is tried again')
      waiting.set(id, clock.nowMs() + LOOK_AGAIN_MS)
    } finally {
      running.delete(id)
    }
  }

  const lookAgain = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await clock.sleep(LOOK_AGAIN_MS, stop.signal).catch(() => undefined)
      if (stop.signal.aborted) return
      const now = clock.nowMs()
      for (const [id, atMs] of waiting)
        if (atMs <= now)
          await wake(id).catch((error: unknown) => logger.warn({ change: id, error }, 'wake failed'))
    }
  }

  return {
    async open() {
      for (let worker = 0; worker < WORKERS; worker++)
        undos.push(await store.jobs.work(QUEUE, (data) => work(String(data.change))))
      undos.push(
        store.watch(({ topic }) => {
          // The rollout of a waiting change may have moved; which one it was is cheap to find out.
          if (topic === 'rollouts' || topic === 'looks') for (const id of waiting.keys()) waiting.set(id, 0)
        }),
      )
      timer = lookAgain()
      for (const id of await unfinished(parts)) await wake(id)
    },
    wake,
    stopMeasuring(id) {
      measuring.get(id)?.abort(new Error(`change ${id} was stopped`))
    },
    async close() {
      stop.abort(new Error('the process stops'))
      await timer
      for (const undo of undos.splice(0)) await undo()
    },
  }
}

/** Changes that were started and are not put away. */
async function unfinished({ store, clock }: ChangeParts): Promise<string[]> {
  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await store.changes.list({}, { limit: PAGE, cursor })
    for (const change of page.items) if (await isUnfinished(change)) found.push(change.id)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return found

  async function isUnfinished(change: Change): Promise<boolean> {
    if (change.state === 'proposed' || change.state === 'done') return false
    if (!FINAL_STATES.includes(change.state)) return true
    if (change.updatedAt < clock.nowMs() - STILL_SETTLING_MS) return false
    return last(await store.changes.events(change.id), 'change-closed') === undefined
  }
}

function createTurn(onGiven: () => void): Turn {
  let holder: string | undefined
  return {
    take(id) {
      holder ??= id
      return holder === id
    },
    give(id) {
      if (holder !== id) return
      holder = undefined
      onGiven()
    },
  }
}
