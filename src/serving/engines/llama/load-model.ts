import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { type LlamaSettings, llamaSettings } from '../../../contracts/index.ts'
import { SlipwayError } from '../../../kernel/index.ts'
import type { TextLoadRequest } from '../../text-engine.ts'
import {
  type ContextParameters,
  type GgufMetadata,
  type Llama,
  type NativeContext,
  type NativeLora,
  type NativeModel,
  type NativeSampler,
  openLlama,
} from './binding.ts'
import { DraftModel } from './draft-model.ts'
import { type MemoryPlan, memoryRefusal } from './memory-plan.ts'

/** A version in memory, with all that its settings name. */
export interface LoadedModel {
  readonly llama: Llama
  readonly settings: LlamaSettings
  readonly metadata: GgufMetadata
  readonly plan: MemoryPlan
  readonly model: NativeModel
  readonly context: NativeContext
  /** Takes the likeliest token of the logits as they are. */
  readonly plainSampler: NativeSampler
  readonly adapters: ReadonlyMap<string, { readonly native: NativeLora; readonly scale: number }>
  readonly draft: DraftModel | undefined
  readonly batchTokens: number
  readonly vocabularySize: number
  dispose(): Promise<void>
}

/** Tokens of a batch: more read no faster on a processor, and hold up everybody's next token longer. */
const BATCH_TOKENS = 512
/** llama.cpp rounds a sequence's cells up to this. */
const CELL_TOKENS = 256

export interface LoadSource {
  readonly model: string
  readonly label: string
  readonly name: string
  readonly path: string
  readonly draftPath: string | undefined
  readonly loras: readonly { readonly name: string; readonly scale: number; readonly path: string }[]
}

/** @param availableBytes memory that may still be taken, where the settings name no limit. */
export async function loadModel(wanted: TextLoadRequest, availableBytes: number): Promise<LoadedModel> {
  const settings = llamaSettings.parse(wanted.spec.llama ?? {})
  const source = sourceOf(wanted, settings)
  await checkHeader(source.path, source.name)
  if (source.draftPath !== undefined) await checkHeader(source.draftPath, 'of the draft model')
  const llama = await openLlama(source.name)
  const opened: { dispose(): Promise<void> | void }[] = []
  const dispose = async () => {
    for (const one of opened.splice(0).reverse()) await one.dispose()
  }
  try {
    return await load(llama, settings, source, wanted.spec.threads, availableBytes, opened, dispose)
  } catch (error) {
    await dispose()
    throw error
  }
}

async function load(
  llama: Llama,
  settings: LlamaSettings,
  source: LoadSource,
  threads: number,
  availableBytes: number,
  opened: { dispose(): Promise<void> | void }[],
  dispose: () => Promise<void>,
): Promise<LoadedModel> {
  const metadata = await metadataOf(llama, source.path, source.name)
  const contextTokens = Math.min(settings.contextTokens, metadata.contextTokens || settings.contextTokens)
  const sequences = settings.embeddings ? 1 : settings.sequences
  const cells = Math.ceil(contextTokens / CELL_TOKENS) * CELL_TOKENS
  const proposals = settings.speculation?.maxTokens ?? 0
  const batchTokens = settings.embeddings
    ? cells
    : Math.max(Math.min(BATCH_TOKENS, cells), sequences * (1 + proposals))
  const parameters: ContextParameters = {
    contextSize: cells * sequences,
    batchSize: batchTokens,
    sequences,
    // A second thread on a core only waits for the first.
    threads: Math.max(1, Math.min(threads, llama.physicalCores)),
    flashAttention: 'auto',
    swaFullCache: true,
    ...(settings.embeddings ? { embeddings: true } : {}),
  }
  const plan = await planOf(llama, source, parameters, contextTokens, metadata)
  const limitBytes = settings.maxMemoryBytes ?? availableBytes
  const refusal = memoryRefusal(
    plan,
    limitBytes,
    settings.maxMemoryBytes === undefined ? 'free memory' : 'maxMemoryBytes',
  )
  if (refusal !== undefined) throw broken(source, refusal)

  const keep = <One extends { dispose(): Promise<void> | void }>(one: One): One => {
    opened.push(one)
    return one
  }
  const model = keep(await openModel(llama, source.path, source.name, false))
  const adapters = new Map<string, { native: NativeLora; scale: number }>()
  for (const { name, scale, path } of source.loras)
    adapters.set(name, { native: keep(await openLora(llama, model, path, name)), scale })
  const context = keep(await openContext(llama, model, parameters, source.name))
  const plainSampler = keep(new llama.binding.AddonSampler(model))
  plainSampler.applyConfig({})
  const draft =
    source.draftPath === undefined ? undefined : keep(await openDraft(llama, source, context, parameters))
  return {
    llama,
    settings,
    metadata,
    plan,
    model,
    context,
    plainSampler,
    adapters,
    draft,
    batchTokens,
    vocabularySize: metadata.vocabularySize,
    dispose,
  }
}

function sourceOf(wanted: TextLoadRequest, settings: LlamaSettings): LoadSource {
  const path = wanted.files.get('artifact')
  if (path === undefined)
    throw new SlipwayError('invalid_request', { reason: 'A llama version needs an artifact.' })
  const fileAt = (place: string) => {
    const found = wanted.files.get(place)
    if (found !== undefined) return found
    throw new SlipwayError('invalid_request', { reason: `The file of ${place} was not handed over.` })
  }
  return {
    model: wanted.model,
    label: wanted.label,
    name: wanted.spec.artifact?.name ?? basename(path),
    path,
    draftPath: settings.speculation?.kind === 'draft' ? fileAt('llama/speculation/artifact') : undefined,
    loras: settings.loras.map(({ name, scale }, index) => ({
      name,
      scale,
      path: fileAt(`llama/loras/${index}/artifact`),
    })),
  }
}

/** The first 24 bytes: what is no GGUF is told before any parser trusts its counts. */
async function checkHeader(path: string, name: string): Promise<void> {
  const file = await open(path)
  const head = Buffer.alloc(24)
  const { bytesRead } = await file.read(head, 0, 24, 0).finally(() => file.close())
  if (bytesRead < 24 || head.toString('latin1', 0, 4) !== 'GGUF')
    throw unreadable(name, 'it does not begin as a GGUF file does')
  const version = head.readUInt32LE(4)
  if (version < 2 || version > 3)
    throw unreadable(name, `it is of GGUF version ${version}, and 2 and 3 are known`)
  if (head.readBigUInt64LE(8) > 1_000_000n || head.readBigUInt64LE(16) > 1_000_000n)
    throw unreadable(name, 'its header counts more parts than a file can have')
}

/** llama.cpp reads the header first: it minds the file's bounds, and the reader of metadata does not. */
async function metadataOf(llama: Llama, path: string, name: string): Promise<GgufMetadata> {
  await (await openModel(llama, path, name, true)).dispose()
  try {
    return await llama.readMetadata(path)
  } catch (cause) {
    throw unreadable(name, 'its header ends early or is damaged', cause)
  }
}

/** Lays everything out without taking memory. */
async function planOf(
  llama: Llama,
  source: LoadSource,
  parameters: ContextParameters,
  contextTokens: number,
  metadata: GgufMetadata,
): Promise<MemoryPlan> {
  const main = await layOut(llama, source.path, source.name, parameters)
  let weightsBytes = main.weightsBytes
  let kvBytes = metadata.kvBytesPerToken * parameters.contextSize
  let contextBytes = main.contextBytes
  if (source.draftPath !== undefined) {
    const draft = await layOut(llama, source.draftPath, 'of the draft model', parameters)
    const { kvBytesPerToken } = await metadataOf(llama, source.draftPath, 'of the draft model')
    weightsBytes += draft.weightsBytes
    kvBytes += kvBytesPerToken * parameters.contextSize
    contextBytes += draft.contextBytes
  }
  for (const { path } of source.loras) weightsBytes += (await stat(path)).size
  const { sequences } = parameters
  return { contextTokens, sequences, weightsBytes, kvBytes, bufferBytes: Math.max(0, contextBytes - kvBytes) }
}

async function layOut(
  llama: Llama,
  path: string,
  name: string,
  parameters: ContextParameters,
): Promise<{ weightsBytes: number; contextBytes: number }> {
  const model = await openModel(llama, path, name, true)
  try {
    const context = await openContext(llama, model, parameters, name)
    const contextBytes = context.getMemoryBreakdown().cpuRam
    await context.dispose()
    return { weightsBytes: model.getMemoryBreakdown().cpuRam, contextBytes }
  } finally {
    await model.dispose()
  }
}

async function openModel(llama: Llama, path: string, name: string, noAlloc: boolean): Promise<NativeModel> {
  await llama.takeLastError()
  const model = new llama.binding.AddonModel(path, { gpuLayers: 0, useMmap: !noAlloc, noAlloc })
  if (await model.init()) return model
  throw unreadable(name, await reasonOf(llama, 'llama.cpp cannot load it'))
}

async function openContext(
  llama: Llama,
  model: NativeModel,
  parameters: ContextParameters,
  name: string,
): Promise<NativeContext> {
  await llama.takeLastError()
  const context = new llama.binding.AddonContext(model, parameters)
  if (await context.init()) return context
  throw unreadable(name, await reasonOf(llama, 'llama.cpp can make no context of it'))
}

async function openLora(llama: Llama, model: NativeModel, path: string, name: string): Promise<NativeLora> {
  await llama.takeLastError()
  try {
    const lora = new llama.binding.AddonModelLora(model, path)
    await model.loadLora(lora)
    return lora
  } catch (cause) {
    throw unreadable(
      `of the adapter ${name}`,
      await reasonOf(llama, 'llama.cpp cannot apply it to the model'),
      cause,
    )
  }
}

async function openDraft(
  llama: Llama,
  source: LoadSource,
  context: NativeContext,
  parameters: ContextParameters,
): Promise<DraftModel> {
  const model = await openModel(llama, source.draftPath as string, 'of the draft model', false)
  const drafts = await openContext(llama, model, parameters, 'of the draft model')
  const sampler = new llama.binding.AddonSampler(model)
  sampler.applyConfig({})
  const draft = new DraftModel(model, drafts, sampler, parameters.batchSize)
  try {
    context.ensureDraftContextIsCompatibleForSpeculative(drafts)
    return draft
  } catch (error) {
    await draft.dispose()
    throw broken(
      source,
      `the draft model does not go with it: ${error instanceof Error ? error.message : ''}`,
    )
  }
}

function broken({ model, label }: LoadSource, reason: string): SlipwayError {
  return new SlipwayError('contract_broken', { model, version: label, reason })
}

function unreadable(name: string, reason: string, cause?: unknown): SlipwayError {
  return new SlipwayError('artifact_unreadable', { name, format: 'GGUF', reason }, { cause })
}

/** What llama.cpp said, without its function names and our folders. */
async function reasonOf(llama: Llama, otherwise: string): Promise<string> {
  const said = await llama.takeLastError()
  if (said === undefined) return otherwise
  return said
    .replace(/^(\w+: )+/, '')
    .replace(/^error loading model: /, '')
    .replace(/ ?(from )?'?\/\S+/g, '')
    .replace(/\.$/, '')
    .slice(0, 300)
}
