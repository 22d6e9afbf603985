import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import type { DType } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { Tensor, TensorBatch } from '../../link/index.ts'
import type { Engine, EngineInfo, InferResult, LoadRequest } from '../engine.ts'
import { feedTypes, fixedRows, mismatchOfSides, specsOf } from './onnx-contract.ts'
import { zeroBatch } from './zero-batch.ts'

/** ONNX Runtime in this process. */
export function onnxEngine(): Engine {
  return new OnnxEngine()
}

const runtimeVersion = (
  createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }
).version

class OnnxEngine implements Engine {
  readonly name = 'onnx'
  #session: InferenceSession | undefined
  #info: EngineInfo | undefined
  /** Of the contract: the session gives more than is asked for, and that costs time. */
  #fetches: string[] = []
  #outputTypes: DType[] = []

  async load({ artifactPath, spec, feeds, model, label }: LoadRequest): Promise<void> {
    if (artifactPath === null) {
      throw new SlipwayError('invalid_request', { reason: 'An onnx version needs an artifact.' })
    }
    const name = spec.artifact?.name ?? basename(artifactPath)
    const session = await open(artifactPath, name, spec.threads)
    const inputs = specsOf(session.inputMetadata)
    const outputs = specsOf(session.outputMetadata)
    const reason = mismatchOfSides(inputs, outputs, feeds, spec.contract.outputs)
    if (reason !== undefined) {
      await session.release()
      throw new SlipwayError('contract_broken', { model, version: label, reason })
    }
    this.#session = session
    this.#fetches = spec.contract.outputs.map((output) => output.name)
    this.#outputTypes = spec.contract.outputs.map((output) => output.dtype)
    this.#info = {
      runtime: `onnxruntime ${runtimeVersion}`,
      inputs,
      outputs,
      maxRows: fixedRows(session.inputMetadata),
    }
  }

  async warmUp(rows: number): Promise<void> {
    await this.#run(zeroBatch(this.describe().inputs, rows))
  }

  async infer(batch: TensorBatch): Promise<InferResult> {
    return { outputs: await this.#run(batch) }
  }

  describe(): EngineInfo {
    if (this.#info === undefined) throw new Error('the engine is not loaded')
    return this.#info
  }

  async unload(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.release()
  }

  async #run(batch: TensorBatch): Promise<TensorBatch> {
    const session = this.#session
    if (session === undefined) throw new Error('the engine is not loaded')
    const feeds: Record<string, OrtTensor> = {}
    for (const name of session.inputNames) {
      const tensor = batch.tensors[name]
      if (tensor === undefined) throw new Error(`the model's input ${name} is missing`)
      feeds[name] = new OrtTensor(feedTypes[tensor.dtype], tensor.data as never, tensor.shape)
    }
    const results = await session.run(feeds, this.#fetches)
    const tensors: Record<string, Tensor> = {}
    for (let index = 0; index < this.#fetches.length; index++) {
      const name = this.#fetches[index] as string
      const { data, dims } = results[name] as OrtTensor
      tensors[name] = {
        dtype: this.#outputTypes[index] as DType,
        shape: dims,
        data: data as Tensor['data'],
      }
    }
    return { rows: batch.rows, tensors }
  }
}

async function open(path: string, name: string, threads: number): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(path, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
      // Replicas share cores: a thread that spins for work takes them from the others.
      extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
    })
  } catch (cause) {
    throw new SlipwayError(
      'artifact_unreadable',
      { name, format: 'ONNX', reason: reasonOf(cause) },
      { cause },
    )
  }
}

/** The runtime's message without the paths of its build and of our folders. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return (text.split('failed:').at(-1) ?? text)
    .replace(/\/\S+/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/\.$/, '')
    .slice(0, 300)
}
