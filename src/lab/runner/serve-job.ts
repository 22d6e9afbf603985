import { readFile } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import type { DatasetItem, Digest } from '../../contracts/index.ts'
import { digestOf, isSlipwayError } from '../../kernel/index.ts'
import { checks } from '../checks.ts'
import type { CheckContext } from '../lab.ts'
import { linesOf, MOST_LINE_BYTES } from './lines.ts'
import { type LabEvent, type LabJob, labJob } from './protocol.ts'

/**
 * The whole life of a runner process: reads one job, measures, writes events. Resolves when it is done or has said why
 * not; true when it is done. Stops when `signal` aborts or `input` ends.
 */
export async function serveLabJob(io: {
  readonly input: Readable
  readonly output: Writable
  readonly signal: AbortSignal
}): Promise<boolean> {
  const emit = (event: LabEvent) => io.output.write(`${JSON.stringify(event)}\n`)
  try {
    const lines = linesOf(io.input, MOST_LINE_BYTES)
    const { value: line } = await lines.next()
    if (line === undefined) throw new Error('no job was given')
    const job = labJob.parse(JSON.parse(line))
    const orphaned = new AbortController()
    // Nothing more is expected on stdin but its end.
    void lines.next().then(
      () => orphaned.abort(new Error('the process that asked is gone')),
      () => orphaned.abort(new Error('the process that asked is gone')),
    )
    emit({ type: 'plan', planHash: digestOf(job.plan.plan) })
    const raw = await measure(job, AbortSignal.any([io.signal, orphaned.signal]), emit)
    await new Promise<void>((resolve) => {
      io.output.write(`${JSON.stringify({ type: 'done', raw } satisfies LabEvent)}\n`, () => resolve())
    })
    return true
  } catch (error) {
    const reason = isSlipwayError(error)
      ? String(error.parameters.reason ?? error.message)
      : (error as Error).message
    await new Promise<void>((resolve) => {
      io.output.write(`${JSON.stringify({ type: 'failed', reason } satisfies LabEvent)}\n`, () => resolve())
    })
    return false
  }
}

async function measure(
  job: LabJob,
  signal: AbortSignal,
  emit: (event: LabEvent) => void,
): Promise<Record<string, unknown>> {
  const finished = new Map(job.finished)
  return checks[job.check].measure(await contextOf(job), job.plan, {
    signal,
    blocks: {
      finished: async () => finished,
      put: async (index, block) => {
        finished.set(index, block)
        emit({ type: 'block', index, block })
      },
    },
    onProgress: (progress) => emit({ type: 'progress', ...progress }),
  })
}

async function contextOf(job: LabJob): Promise<CheckContext> {
  const text = await readFile(job.golden.itemsPath, 'utf8')
  const items = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as DatasetItem)
  return {
    change: job.change,
    model: job.model,
    champion: job.champion,
    candidate: job.candidate,
    golden: { name: job.golden.name, digest: job.golden.digest, items },
    gatewayUrl: job.gatewayUrl,
    key: job.key,
    seed: job.seed,
    artifact: (digest: Digest) => readFile(job.artifacts[digest] ?? `no artifact ${digest}`),
  }
}
