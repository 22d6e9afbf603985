import { z } from 'zod'
import { type ArtifactRef, artifactRef } from './artifact-ref.ts'
import { llamaSettings, vllmSettings } from './engine-settings.ts'
import { sampling } from './generate.ts'
import { guardrail } from './guardrail.ts'
import { datasetName, digest, epochMs, modelName, versionLabel } from './names.ts'
import { providerName } from './provider.ts'

export const dtype = z.enum(['float32', 'float64', 'int32', 'int64', 'bool', 'string'])
export type DType = z.infer<typeof dtype>

/** One tensor of a row: the batch dimension is left out. `shape: []` is a scalar; null is a free dimension. */
export const tensorSpec = z.strictObject({
  name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_.:/-]{0,126}$/),
  dtype,
  shape: z.array(z.number().int().positive().nullable()).max(8),
})
export type TensorSpec = z.infer<typeof tensorSpec>

export const modelContract = z.strictObject({
  inputs: z.array(tensorSpec).min(1).max(64),
  outputs: z.array(tensorSpec).min(1).max(64),
})
export type ModelContract = z.infer<typeof modelContract>

/**
 * A model of text has this contract: `predict` with a prompt gives a text, so every check and dataset works on it too;
 * the text surfaces (generate, OpenAI, Anthropic) say more than rows can.
 */
export const textContract: ModelContract = {
  inputs: [{ name: 'prompt', dtype: 'string', shape: [] }],
  outputs: [{ name: 'text', dtype: 'string', shape: [] }],
}

/** Engines that run here, as processes of ours. */
export const localEngine = z.enum(['onnx', 'echo', 'llama', 'vllm'])
/** Engines that run elsewhere, reached through a provider; named by the family of protocol. */
export const remoteEngine = z.enum(['openai', 'anthropic', 'bedrock', 'vertex', 'cohere', 'tgi'])
export const engineName = z.enum([...localEngine.options, ...remoteEngine.options])
export type LocalEngine = z.infer<typeof localEngine>
export type RemoteEngine = z.infer<typeof remoteEngine>
export type EngineName = z.infer<typeof engineName>

export function isRemoteEngine(engine: EngineName): engine is RemoteEngine {
  return (remoteEngine.options as readonly string[]).includes(engine)
}

const batchFields = {
  maxBatchSize: z.number().int().min(1).max(4096),
  maxQueueDelayMs: z.number().min(0).max(10_000),
  maxQueueRows: z.number().int().min(1).max(1_000_000),
}

/** Rows, not requests; `maxQueueDelayMs` is how long the oldest request may wait for company. */
export const batchPolicy = z.strictObject({
  maxBatchSize: batchFields.maxBatchSize.default(32),
  maxQueueDelayMs: batchFields.maxQueueDelayMs.default(5),
  maxQueueRows: batchFields.maxQueueRows.default(8192),
})
export type BatchPolicy = z.infer<typeof batchPolicy>

/** What a candidate says of its batching; what it leaves out is inherited, so nothing has a default here. */
export const batchChange = z.strictObject(batchFields).partial()

/** How `echo` answers text. A token is a word with the space before it. */
export const echoText = z.strictObject({
  /** What it says to everything; left out: what the user said last. */
  says: z.string().max(65_536).optional(),
  /** Between two tokens of an answer. */
  tokenMs: z.number().min(0).max(60_000).default(0),
  /** A request fails with `model_failed` once it has so many tokens; left out: none does. */
  failAfterTokens: z.number().int().min(0).optional(),
  /** A request says nothing more after so many tokens, and never ends; left out: none does. */
  hangAfterTokens: z.number().int().min(0).optional(),
  /** Requests that are answered together. */
  sequences: z.number().int().min(1).max(1024).default(8),
  /** Requests that wait besides; what comes then is refused. */
  maxWaiting: z.number().int().min(0).max(65_536).default(256),
  /** Tokens of question and answer together. */
  contextTokens: z.number().int().min(1).max(1_048_576).default(4096),
  /** Numbers in a vector of embeddings; 0: there are none. */
  vectorSize: z.number().int().min(0).max(8192).default(16),
})
export type EchoText = z.infer<typeof echoText>

/**
 * What the `echo` engine does; scripted latency and faults for drills and conformance tests. Of a version of text
 * `latencyMs` is the time before the first token, and requests count as rows do.
 */
export const echoScript = z.strictObject({
  latencyMs: z.number().min(0).max(600_000).default(0),
  perRowMs: z.number().min(0).max(60_000).default(0),
  /** Share of requests, 0..1, that fail with `model_failed`. */
  failShare: z.number().min(0).max(1).default(0),
  /** Share of requests, 0..1, that are slowed by `slowFactor`. */
  slowShare: z.number().min(0).max(1).default(0),
  slowFactor: z.number().min(1).max(1000).default(1),
  /** Faults start only after this many rows were answered by the process. */
  afterRows: z.number().int().min(0).default(0),
  seed: z.number().int().min(0).default(1),
  text: echoText.optional(),
})
export type EchoScript = z.infer<typeof echoScript>

/** What a text version adds; each of these shapes answers, so each is in the version's id. */
export const textFields = {
  /** Whose endpoint answers, for engines that run elsewhere. */
  provider: providerName.optional(),
  /** The model as the provider names it. */
  modelName: z.string().min(1).max(300).optional(),
  /** Said before everything else, as the system's words. */
  prompt: z.string().max(262_144).optional(),
  /** Defaults; what a request says goes first. */
  sampling: sampling.optional(),
  guardrails: z.array(guardrail).max(64).optional(),
  llama: llamaSettings.optional(),
  vllm: vllmSettings.optional(),
}

/** Everything that shapes the answers of a version. Its id is the digest of the canonical form of this object. */
export const versionSpec = z.strictObject({
  engine: engineName,
  artifact: artifactRef.optional(),
  /** A self-contained TypeScript or JavaScript module that exports `preprocess(rows)`; runs in the model server. */
  preprocess: artifactRef.optional(),
  batching: batchPolicy.prefault({}),
  threads: z.number().int().min(1).max(64).default(1),
  echo: echoScript.optional(),
  ...textFields,
  contract: modelContract,
})
export type VersionSpec = z.infer<typeof versionSpec>

/** Every file that a version needs, by its place in the spec: `artifact`, `llama/loras/0/artifact`. */
export function versionFiles({ artifact, llama, preprocess }: VersionSpec): [place: string, ArtifactRef][] {
  const files: [string, ArtifactRef][] = []
  if (artifact !== undefined) files.push(['artifact', artifact])
  if (preprocess !== undefined) files.push(['preprocess', preprocess])
  if (llama?.speculation?.kind === 'draft')
    files.push(['llama/speculation/artifact', llama.speculation.artifact])
  for (const [index, lora] of (llama?.loras ?? []).entries())
    files.push([`llama/loras/${index}/artifact`, lora.artifact])
  return files
}

export const version = z.object({
  model: modelName,
  label: versionLabel,
  id: digest,
  spec: versionSpec,
  createdAt: epochMs,
})
export type Version = z.infer<typeof version>

export const newVersion = z.strictObject({ label: versionLabel, spec: versionSpec })
export type NewVersion = z.infer<typeof newVersion>

export const newModel = z.strictObject({
  model: modelName,
  description: z.string().max(2000).default(''),
  owner: z.string().max(200).default(''),
  task: z.string().max(100).default(''),
  framework: z.string().max(100).default(''),
  contract: modelContract,
  /** Names of the classes by index, for classification; shown in reports. */
  classes: z.array(z.string().max(100)).max(10_000).optional(),
  /** Failing requests are kept with their input, bounded, as failure cases. */
  captureFailures: z.boolean().default(true),
})
export type NewModel = z.infer<typeof newModel>

export const model = newModel.extend({ createdAt: epochMs })
export type Model = z.infer<typeof model>

export const dataset = z.object({
  name: datasetName,
  model: modelName,
  digest,
  items: z.number().int(),
  createdAt: epochMs,
})
export type Dataset = z.infer<typeof dataset>

/** One evaluation item: `inputs` is a row of the model's contract, `label` what a person said is right. */
export const datasetItem = z.strictObject({
  id: z.string().min(1).max(200),
  at: z.string().max(40).optional(),
  inputs: z.record(z.string(), z.unknown()),
  label: z.union([z.string(), z.number(), z.boolean()]),
  slice: z.record(z.string(), z.string()).optional(),
})
export type DatasetItem = z.infer<typeof datasetItem>
