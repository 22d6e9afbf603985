import { readOnnxHeader, sourceOf } from '../../artifacts/index.ts'
import type { Version } from '../../contracts/index.ts'
import { type Clock, isSlipwayError } from '../../kernel/index.ts'
import { createAsker } from '../client/asker.ts'
import { withGatewayClient } from '../client/with-client.ts'
import type { CheckContext, CheckRun } from '../lab.ts'
import { runBlocks, trackProgress } from '../progress.ts'
import { fileReasons } from './analyse.ts'
import type { CompatibilityPlan } from './plan.ts'
import { type CompatibilityRaw, compatibilityRaw, type FileReading, type Probe } from './raw.ts'

/** Reads both files, then asks the candidate once, unless its file already says that it cannot answer. */
export async function measureCompatibility(
  context: CheckContext,
  plan: CompatibilityPlan,
  run: CheckRun,
  clock: Clock,
): Promise<CompatibilityRaw> {
  const progress = trackProgress(run, clock, 1, 'readings')
  const [raw] = await runBlocks({
    blocks: run.blocks,
    signal: run.signal,
    count: 1,
    read: (stored) => compatibilityRaw.parse(stored),
    measure: async () => {
      const champion = await readFile(context, context.champion)
      const candidate = await readFile(context, context.candidate)
      const isHopeless = fileReasons(plan, candidate).length > 0
      const probe: Probe = isHopeless
        ? { kind: 'skipped', reason: 'the file cannot be served' }
        : await askOnce(context, plan, run.signal, clock)
      return { champion, candidate, probe }
    },
    onBlock: (_, wasFinished) => progress.advance(1, wasFinished),
  })
  return raw!
}

async function readFile(context: CheckContext, version: Version): Promise<FileReading> {
  const { artifact, engine } = version.spec
  if (engine !== 'onnx' || artifact === undefined) return { kind: 'none' }
  const file = await context.artifact(artifact.digest)
  try {
    return { kind: 'onnx', bytes: file.length, header: readOnnxHeader(sourceOf(file, artifact.name)) }
  } catch (error) {
    if (!isSlipwayError(error) || error.code !== 'artifact_unreadable') throw error
    return { kind: 'unreadable', bytes: file.length, reason: String(error.parameters.reason) }
  }
}

async function askOnce(
  context: CheckContext,
  plan: CompatibilityPlan,
  signal: AbortSignal,
  clock: Clock,
): Promise<Probe> {
  const item = context.golden.items[0]
  if (item === undefined) return { kind: 'skipped', reason: 'the golden set is empty' }
  const more = { connections: 1, keepBodies: true }
  return withGatewayClient(context, plan, more, signal, async (client) => {
    const asker = createAsker({ check: 'compatibility', client, clock, signal })
    const { outputs, unscored } = await asker.ask(plan.candidate.label, [item.inputs])
    if (outputs === null) return { kind: 'failed', reason: unscored ?? 'no answer' }
    return { kind: 'answered', outputs: formsOf(outputs[0]!) }
  })
}

function formsOf(row: Record<string, unknown>) {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, formOf(value)]))
}

function formOf(value: unknown): { type: string; shape: number[] } {
  const shape: number[] = []
  let inner = value
  while (Array.isArray(inner) && shape.length < 16) {
    shape.push(inner.length)
    inner = inner[0]
  }
  return { type: inner === null ? 'null' : typeof inner, shape }
}
