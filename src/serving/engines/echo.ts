import { type EchoScript, echoScript, type TensorSpec } from '../../contracts/index.ts'
import { type Clock, type Random, SlipwayError, seededRandom } from '../../kernel/index.ts'
import { compileRows, type RowCodec, type Tensor, type TensorBatch } from '../../link/index.ts'
import type { Engine, EngineInfo, InferResult, LoadRequest } from '../engine.ts'

/**
 * A model without a model, for drills and tests: answers are made from the inputs alone, so that equal rows get equal
 * answers, and latency and faults follow a script. A request that the script slows holds up its batch, as it would on
 * a device.
 */
export function echoEngine(clock: Clock): Engine {
  return new EchoEngine(clock)
}

class EchoEngine implements Engine {
  readonly name = 'echo'
  readonly #clock: Clock
  #script: EchoScript = echoScript.parse({})
  #random: Random = seededRandom(1)
  #outputs: readonly TensorSpec[] = []
  #inputs: readonly TensorSpec[] = []
  #codec: RowCodec | undefined
  #answeredRows = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async load({ spec, model }: LoadRequest): Promise<void> {
    if (spec.preprocess !== undefined) {
      throw new SlipwayError('invalid_request', { reason: 'The echo engine takes no preprocess module.' })
    }
    this.#script = echoScript.parse(spec.echo ?? {})
    this.#random = seededRandom(this.#script.seed)
    this.#inputs = spec.contract.inputs
    this.#outputs = spec.contract.outputs
    this.#codec = compileRows(spec.contract.inputs, model)
  }

  async warmUp(): Promise<void> {}

  async infer(batch: TensorBatch, requestRows: readonly number[]): Promise<InferResult> {
    const codec = this.#codec
    if (codec === undefined) throw new Error('the engine is not loaded')
    const { latencyMs, perRowMs, failShare, slowShare, slowFactor, afterRows } = this.#script
    const isFaulty = this.#answeredRows >= afterRows
    const failed = new Map<number, string>()
    let factor = 1
    for (let request = 0; request < requestRows.length; request++) {
      // Both are drawn for each request, so that changing one share does not move the other's faults.
      const failDraw = this.#random()
      const slowDraw = this.#random()
      if (!isFaulty) continue
      if (failDraw < failShare) failed.set(request, 'the echo script says so')
      if (slowDraw < slowShare) factor = slowFactor
    }
    if (requestRows.length > 0) {
      const busyMs = (latencyMs + perRowMs * batch.rows) * factor
      if (busyMs > 0) await this.#clock.sleep(busyMs)
      this.#answeredRows += batch.rows
    }
    const outputs = { rows: batch.rows, tensors: this.#answers(batch, codec) }
    return failed.size === 0 ? { outputs } : { outputs, failed }
  }

  describe(): EngineInfo {
    return { runtime: 'echo', inputs: this.#inputs, outputs: this.#outputs, maxRows: null }
  }

  async unload(): Promise<void> {
    this.#codec = undefined
  }

  #answers(batch: TensorBatch, codec: RowCodec): Record<string, Tensor> {
    const hashes = Array.from({ length: batch.rows }, (_, row) => hashOf(codec.encode(batch, row, row + 1)))
    return Object.fromEntries(
      this.#outputs.map((spec, place) => [spec.name, answer(spec, place, hashes, batch)]),
    )
  }
}

/** An output that is shaped like an input of the same name repeats it; others are made from the row's hash. */
function answer(spec: TensorSpec, place: number, hashes: readonly number[], batch: TensorBatch): Tensor {
  const input = batch.tensors[spec.name]
  if (input?.dtype === spec.dtype && fits(input.shape, spec.shape))
    return { ...input, data: input.data.slice() }
  const dimensions = spec.shape.map((size) => size ?? 1)
  const each = dimensions.reduce((product, size) => product * size, 1)
  const value = (index: number) => {
    const random = seededRandom((hashes[Math.floor(index / each)] as number) + place * 7919 + (index % each))
    return random()
  }
  const shape = [hashes.length, ...dimensions]
  const length = hashes.length * each
  const numbers = Array.from({ length }, (_, index) => value(index))
  switch (spec.dtype) {
    case 'float32':
      return { dtype: spec.dtype, shape, data: Float32Array.from(numbers) }
    case 'float64':
      return { dtype: spec.dtype, shape, data: Float64Array.from(numbers) }
    case 'int32':
      return { dtype: spec.dtype, shape, data: Int32Array.from(numbers, (number) => number * 10) }
    case 'int64':
      return {
        dtype: spec.dtype,
        shape,
        data: BigInt64Array.from(numbers, (number) => BigInt(Math.floor(number * 2))),
      }
    case 'bool':
      return { dtype: spec.dtype, shape, data: Uint8Array.from(numbers, (number) => (number < 0.5 ? 0 : 1)) }
    case 'string':
      return { dtype: spec.dtype, shape, data: numbers.map((number) => `echo-${Math.floor(number * 1e6)}`) }
  }
}

function fits(shape: readonly number[], wanted: TensorSpec['shape']): boolean {
  return (
    shape.length === wanted.length + 1 &&
    wanted.every((size, index) => size === null || size === shape[index + 1])
  )
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}
