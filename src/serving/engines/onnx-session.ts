import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import type { DType } from '../../contracts/index.ts'
import type { Tensor, TensorBatch } from '../../link/index.ts'
import { feedTypes } from './onnx-contract.ts'

/** Everything a thread needs to make the same session again: plain data. */
export interface SessionWish {
  readonly path: string
  readonly threads: number
  /** Of the contract: a graph may give more than is asked for, and that costs time. */
  readonly fetches: readonly { readonly name: string; readonly dtype: DType }[]
}

/** A loaded graph, in this thread or another. */
export interface OnnxRunner {
  run(batch: TensorBatch): Promise<TensorBatch>
  /** Frees the native memory. */
  release(): Promise<void>
}

/** Throws what the runtime throws. */
export function openSession(path: string, threads: number): Promise<InferenceSession> {
  return InferenceSession.create(path, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
    // Replicas share cores: a thread that spins for work takes them from the others.
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  })
}

/** Runs in this thread, and blocks its event loop meanwhile: so does `run` of onnxruntime-node, despite its promise. */
export function localRunner(session: InferenceSession, { fetches }: SessionWish): OnnxRunner {
  const names = fetches.map(({ name }) => name)
  return {
    async run(batch) {
      const feeds: Record<string, OrtTensor> = {}
      for (const name of session.inputNames) {
        const tensor = batch.tensors[name]
        if (tensor === undefined) throw new Error(`the model's input ${name} is missing`)
        feeds[name] = new OrtTensor(feedTypes[tensor.dtype], tensor.data as never, tensor.shape)
      }
      const results = await session.run(feeds, names)
      const tensors: Record<string, Tensor> = {}
      for (const { name, dtype } of fetches) {
        const { data, dims } = results[name] as OrtTensor
        tensors[name] = { dtype, shape: dims, data: data as Tensor['data'] }
      }
      return { rows: batch.rows, tensors }
    },
    release: () => session.release(),
  }
}
