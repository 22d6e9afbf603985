import { existsSync } from 'node:fs'
import { factsOf, readArtifact, readOnnxHeader, sourceOf } from '../../artifacts/index.ts'
import type { ArtifactRef, Version } from '../../contracts/index.ts'
import { type Clock, isSlipwayError } from '../../kernel/index.ts'
import { createAsker } from '../client/asker.ts'
import { withGatewayClient } from '../client/with-client.ts'
import type { CheckContext, CheckRun } from '../lab.ts'
import { runBlocks, trackProgress } from '../progress.ts'
import { fileReasons } from './file-reasons.ts'
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
      const more = await readMore(context, context.candidate)
      const isHopeless = fileReasons(plan, { champion, candidate, ...more }).length > 0
      const probe: Probe = isHopeless
        ? { kind: 'skipped', reason: 'the file cannot be served' }
        : await askOnce(context, plan, run.signal, clock)
      return { champion, candidate, ...more, probe }
    },
    onBlock: (_, wasFinished) => progress.advance(1, wasFinished),
  })
  return raw!
}

async function readFile(context: CheckContext, version: Version): Promise<FileReading> {
  const { artifact, engine, vllm } = version.spec
  if (engine === 'vllm') return readWeights(vllm?.weights)
  if ((engine !== 'onnx' && engine !== 'llama') || artifact === undefined) return { kind: 'none' }
  return readRef(context, artifact, engine === 'onnx')
}

/** Files that the settings name beside the model's own. */
async function readMore(
  context: CheckContext,
  { spec }: Version,
): Promise<Pick<CompatibilityRaw, 'draft' | 'adapters'>> {
  const { speculation, loras = [] } = spec.llama ?? {}
  const adapters = []
  for (const { name, artifact } of loras)
    adapters.push({ name, reading: await readRef(context, artifact, false) })
  return {
    ...(speculation?.kind === 'draft' ? { draft: await readRef(context, speculation.artifact, false) } : {}),
    ...(adapters.length > 0 ? { adapters } : {}),
  }
}

async function readRef(context: CheckContext, ref: ArtifactRef, isOnnx: boolean): Promise<FileReading> {
  const file = await context.artifact(ref.digest)
  const source = sourceOf(file, ref.name)
  return reading(file.length, () =>
    isOnnx
      ? { kind: 'onnx', bytes: file.length, header: readOnnxHeader(source) }
      : { kind: 'model', bytes: file.length, facts: factsOf(source) },
  )
}

/** Weights of a server of its own are a name or a folder that may be on another machine; what is here is read. */
function readWeights(weights: string | undefined): FileReading {
  if (weights === undefined || !existsSync(weights)) return { kind: 'none' }
  return reading(0, () => {
    const facts = readArtifact(weights)
    return { kind: 'model', bytes: facts.weightBytes ?? 0, facts }
  })
}

function reading(bytes: number, read: () => FileReading): FileReading {
  try {
    return read()
  } catch (error) {
    if (!isSlipwayError(error) || !REFUSED.has(error.code)) throw error
    return { kind: 'unreadable', bytes, reason: String(error.parameters.reason) }
  }
}

const REFUSED: ReadonlySet<string> = new Set(['artifact_unreadable', 'artifact_unsafe'])

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
