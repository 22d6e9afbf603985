import type { Change, CheckName, CheckProgress } from '../contracts/index.ts'
import { contextOf } from './context.ts'
import { checkingRun, type PlannedCheck } from './facts.ts'
import { type ChangeParts, LIMITS } from './parts.ts'
import type { View } from './step.ts'

const PROGRESS_EVERY_MS = 250

/** The candidate did not come up: not a matter of trying the check again. */
export class NotReady extends Error {}

/** Runs one planned check to stored evidence. Finished blocks of the same plan are not measured again. */
export async function measure(
  parts: ChangeParts,
  { change, events }: View,
  planned: PlannedCheck,
  signal: AbortSignal,
): Promise<void> {
  const { store, lab } = parts
  const attempt = checkingRun(events)?.attempt ?? 1
  const report = progressOf(parts, change, planned.check)
  report({ status: 'running' }, true)
  await ensureReady(parts, change, signal)
  const context = await contextOf(parts, change, attempt)
  const limit = AbortSignal.timeout(Math.max(LIMITS.shortestCheckMs, planned.expectedMs * 10))
  const within = AbortSignal.any([signal, limit])
  const work = lab.run(
    planned.check,
    context,
    { ...planned, impossible: [] },
    {
      signal: within,
      blocks: {
        finished: () => store.evidence.blocks(change.id, planned.check, planned.planHash),
        put: (index, block) =>
          store.evidence.putBlock(change.id, planned.check, planned.planHash, index, block),
      },
      onProgress: (counts) => report({ status: 'running', ...counts }),
    },
  )
  const evidence = await leaving(work, within)
  signal.throwIfAborted()
  await store.evidence.put(evidence)
  report({ status: evidence.status, summary: evidence.summary, etaMs: null }, true)
}

/** Both versions run; the candidate as wide as the champion, so that they are compared like for like. */
export async function ensureReady(
  parts: Pick<ChangeParts, 'store' | 'fleet'>,
  change: Change,
  signal: AbortSignal,
): Promise<void> {
  const { store, fleet } = parts
  const { model } = change.proposal
  const champion = await store.deployments.find(model, change.champion.label)
  for (const { label } of [change.champion, change.candidate]) {
    const found = await store.deployments.find(model, label)
    if (found === undefined || !['deploying', 'active'].includes(found.status))
      await fleet.deploy({
        model,
        version: label,
        replicas: Math.max(1, champion?.replicas ?? 1),
        gpuType: champion?.gpuType ?? null,
        trafficPercent: 0,
      })
    const limit = AbortSignal.timeout(LIMITS.readyMs)
    try {
      await fleet.whenReady(model, label, AbortSignal.any([signal, limit]))
    } catch (error) {
      signal.throwIfAborted()
      const reason = limit.aborted ? `not ready after ${LIMITS.readyMs / 1000} s` : (error as Error).message
      throw new NotReady(`${label} does not start: ${reason}`)
    }
  }
}

type Told = Partial<CheckProgress>

/** Counters for people, at most four times a second; losing one is no harm. */
function progressOf(
  parts: ChangeParts,
  change: Change,
  check: CheckName,
): (told: Told, isLast?: boolean) => void {
  let checks = change.checks
  let told = 0
  let writing = Promise.resolve()
  return (news, isLast = false) => {
    checks = checks.map((one) => (one.check === check ? { ...one, ...news } : one))
    const now = parts.clock.monotonicMs()
    if (!isLast && now - told < PROGRESS_EVERY_MS) return
    told = now
    const latest = checks
    writing = writing
      .then(() => parts.store.changes.setProgress(change.id, latest))
      .catch((error: unknown) => parts.logger.warn({ change: change.id, error }, 'progress not written'))
  }
}

/** A check that does not listen to its signal is left behind, so that an abort takes effect within a second. */
function leaving<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const leave = () => {
      timer = setTimeout(() => reject(signal.reason), LIMITS.abortMs)
    }
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave, { once: true })
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
    })
  })
}
