import { createRequire } from 'node:module'
import { basename } from 'node:path'
import type { InferenceSession } from 'onnxruntime-node'
import { type Clock, SlipwayError } from '../../kernel/index.ts'
import type { TensorBatch } from '../../link/index.ts'
import type { Engine, EngineInfo, InferResult, LoadRequest } from '../engine.ts'
import { fixedRows, mismatchOfSides, specsOf } from './onnx-contract.ts'
import { localRunner, type OnnxRunner, openSession, type SessionWish } from './onnx-session.ts'
import { threadRunner } from './onnx-thread.ts'
import { zeroBatch } from './zero-batch.ts'

/** A batch that takes longer than this, when warm, would hold up deadlines and probes: it gets a thread of its own. */
const THREAD_FROM_MS = 5

export interface OnnxOptions {
  /** For tests: 0 sends every model to a thread. */
  readonly threadFromMs?: number
}

/** ONNX Runtime: quick models in this thread, slow ones in one of their own, as the warm-up tells. */
export function onnxEngine(clock: Clock, options: OnnxOptions = {}): Engine {
  return new OnnxEngine(clock, options.threadFromMs ?? THREAD_FROM_MS)
}

const runtimeVersion = (
  createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }
).version

class OnnxEngine implements Engine {
  readonly name = 'onnx'
  readonly #clock: Clock
  readonly #threadFromMs: number
  #runner: OnnxRunner | undefined
  #wish: SessionWish | undefined
  #isThreaded = false
  #info: EngineInfo | undefined

  constructor(clock: Clock, threadFromMs: number) {
    this.#clock = clock
    this.#threadFromMs = threadFromMs
  }

  async load({ artifactPath, spec, feeds, model, label }: LoadRequest): Promise<void> {
    if (artifactPath === null) {
      throw new SlipwayError('invalid_request', { reason: 'An onnx version needs an artifact.' })
    }
    const session = await open(artifactPath, spec.artifact?.name ?? basename(artifactPath), spec.threads)
    const inputs = specsOf(session.inputMetadata)
    const outputs = specsOf(session.outputMetadata)
    const reason = mismatchOfSides(inputs, outputs, feeds, spec.contract.outputs)
    if (reason !== undefined) {
      await session.release()
      throw new SlipwayError('contract_broken', { model, version: label, reason })
    }
    const fetches = spec.contract.outputs.map(({ name, dtype }) => ({ name, dtype }))
    this.#wish = { path: artifactPath, threads: spec.threads, fetches }
    this.#runner = localRunner(session, this.#wish)
    this.#info = {
      runtime: `onnxruntime ${runtimeVersion}`,
      inputs,
      outputs,
      maxRows: fixedRows(session.inputMetadata),
    }
  }

  async warmUp(rows: number): Promise<void> {
    const runner = this.#loaded()
    const batch = zeroBatch(this.describe().inputs, rows)
    const timed = async () => {
      const startMs = this.#clock.monotonicMs()
      await runner.run(batch)
      return this.#clock.monotonicMs() - startMs
    }
    const firstMs = await timed()
    if (this.#isThreaded || firstMs < this.#threadFromMs) return
    // The first run pays for what the next ones find done; the second is what a request will take.
    if ((await timed()) < this.#threadFromMs) return
    this.#isThreaded = true
    await runner.release()
    this.#runner = await threadRunner(this.#wish as SessionWish)
    await this.#runner.run(batch)
  }

  async infer(batch: TensorBatch): Promise<InferResult> {
    return { outputs: await this.#loaded().run(batch) }
  }

  describe(): EngineInfo {
    if (this.#info === undefined) throw new Error('the engine is not loaded')
    return this.#info
  }

  async unload(): Promise<void> {
    const runner = this.#runner
    this.#runner = undefined
    await runner?.release()
  }

  #loaded(): OnnxRunner {
    if (this.#runner === undefined) throw new Error('the engine is not loaded')
    return this.#runner
  }
}

async function open(path: string, name: string, threads: number): Promise<InferenceSession> {
  try {
    return await openSession(path, threads)
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
