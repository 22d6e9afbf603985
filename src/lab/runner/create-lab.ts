import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CheckName, type Digest, type Evidence, versionFiles } from '../../contracts/index.ts'
import { type Clock, digestOf, type Logger, systemClock } from '../../kernel/index.ts'
import { analyse, type CheckSizes, createChecks } from '../checks.ts'
import { checkFailed } from '../client/failures.ts'
import { makeEvidence } from '../evidence.ts'
import type { CheckContext, CheckPlan, CheckRun } from '../lab.ts'
import { linesOf, MOST_LINE_BYTES } from './lines.ts'
import { type LabEvent, type LabJob, labEvent } from './protocol.ts'

export interface Lab {
  /** What would be measured; sends nothing. */
  plan(check: CheckName, context: CheckContext): Promise<CheckPlan>
  /**
   * Measures in a process of its own, judges here. Rejects with `check_failed` when it could not be run, and with the
   * signal's reason when stopped; finished blocks are in `run.blocks` either way.
   */
  run(check: CheckName, context: CheckContext, plan: CheckPlan, run: CheckRun): Promise<Evidence>
}

export interface LabOptions {
  /** The module that calls `serveLabJob`. */
  readonly runnerPath: string
  readonly execPath: string
  readonly logger: Logger
  readonly clock?: Clock
  readonly sizes?: CheckSizes
}

/** A runner that does not end by itself so long after SIGTERM is killed. */
const KILL_AFTER_MS = 1000

/**
 * The load client is an instrument: it gets a process of its own, so that neither does control's work delay its clock nor
 * its spinning delay control.
 */
export function createLab(options: LabOptions): Lab {
  const checks = createChecks(options.sizes)
  const clock = options.clock ?? systemClock
  return {
    plan: (check, context) => checks[check].plan(context),
    run: async (check, context, plan, run) => {
      run.signal.throwIfAborted()
      const startedAt = clock.nowMs()
      const folder = await mkdtemp(join(tmpdir(), 'slipway-lab-'))
      try {
        const job = await writeJob(folder, check, context, plan, run)
        const raw = await runChild(options, job, run)
        const judgement = analyse(check, plan.plan, raw)
        return makeEvidence(context, plan, raw, judgement, { startedAt, finishedAt: clock.nowMs() })
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}

async function writeJob(
  folder: string,
  check: CheckName,
  context: CheckContext,
  plan: CheckPlan,
  run: CheckRun,
): Promise<LabJob> {
  const itemsPath = join(folder, 'items.jsonl')
  await writeFile(itemsPath, context.golden.items.map((item) => `${JSON.stringify(item)}\n`).join(''), {
    mode: 0o600,
  })
  const wanted = new Set<Digest>()
  // Only one check reads files.
  if (check === 'compatibility') {
    for (const { spec } of [context.champion, context.candidate])
      for (const [place, { digest }] of versionFiles(spec)) if (place !== 'preprocess') wanted.add(digest)
  }
  const artifacts: Record<string, string> = {}
  for (const [index, digest] of [...wanted].entries()) {
    const path = join(folder, `artifact-${index}`)
    await writeFile(path, await context.artifact(digest))
    artifacts[digest] = path
  }
  return {
    check,
    change: context.change,
    model: context.model,
    champion: context.champion,
    candidate: context.candidate,
    golden: { name: context.golden.name, digest: context.golden.digest, itemsPath },
    artifacts,
    gatewayUrl: context.gatewayUrl,
    key: context.key,
    seed: context.seed,
    plan: { ...plan, says: [...plan.says], impossible: [...plan.impossible] },
    finished: [...(await run.blocks.finished())],
  }
}

async function runChild(options: LabOptions, job: LabJob, run: CheckRun): Promise<Record<string, unknown>> {
  // The key travels by stdin: neither arguments nor environment, which others on the machine can read.
  const child = spawn(options.execPath, [options.runnerPath], { stdio: ['pipe', 'pipe', 'pipe'], env: {} })
  const log = options.logger.child({ check: job.check, change: job.change.id, runner: child.pid })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`))
  })
  const stderr = tail(child)
  const stop = () => terminate(child)
  run.signal.addEventListener('abort', stop, { once: true })
  try {
    child.stdin.on('error', () => {})
    child.stdin.write(`${JSON.stringify(job)}\n`)
    return await followEvents(child, job, run)
  } catch (error) {
    if (run.signal.aborted) throw run.signal.reason
    throw error
  } finally {
    run.signal.removeEventListener('abort', stop)
    child.stdin.end()
    terminate(child)
    const how = await ended
    log.info({ how, stderr: stderr() }, 'runner ended')
  }
}

/** Resolves with the raw blocks once every block before them is stored. */
async function followEvents(
  child: ChildProcess,
  job: LabJob,
  run: CheckRun,
): Promise<Record<string, unknown>> {
  for await (const line of linesOf(child.stdout!, MOST_LINE_BYTES)) {
    const event = readEvent(job, line)
    if (event.type === 'plan' && event.planHash !== digestOf(job.plan.plan))
      throw checkFailed(job.check, 'the runner read another plan than it was given')
    if (event.type === 'progress') {
      const { done, total, unit, etaMs } = event
      run.onProgress({ done, total, unit, etaMs })
    } else if (event.type === 'block') await run.blocks.put(event.index, event.block)
    else if (event.type === 'failed') throw checkFailed(job.check, event.reason)
    else if (event.type === 'done') return event.raw
  }
  run.signal.throwIfAborted()
  throw checkFailed(job.check, 'the measuring process ended before it was done')
}

function readEvent(job: LabJob, line: string): LabEvent {
  try {
    return labEvent.parse(JSON.parse(line))
  } catch (error) {
    throw checkFailed(job.check, 'the measuring process said what is no event', error)
  }
}

function terminate(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
  child.once('exit', () => clearTimeout(timer))
}

/** The last of what the runner said on stderr, for the log. */
function tail(child: ChildProcess): () => string {
  let text = ''
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-2000)
  })
  return () => text
}
