import type { EngineName, TensorSpec, VersionSpec } from '../contracts/index.ts'
import type { TensorBatch } from '../link/index.ts'

/** What runs one version of one model. A model server holds exactly one. */
export interface Engine {
  readonly name: EngineName
  /**
   * Loads and validates; throws `artifact_*` errors, and `contract_broken` when the artifact cannot take `feeds` or
   * cannot give the contract's outputs. Nothing else is called before it resolves.
   */
  load(wanted: LoadRequest): Promise<void>
  /** One made-up batch of so many rows; after it the first request is no slower than the next. */
  warmUp(rows: number): Promise<void>
  /**
   * Rows in, rows out, same order and count, outputs as in the contract. `requestRows` says how many rows each request
   * of the batch has; none for a made-up batch, which no script counts. Rejects when the batch failed as a whole; the engine stays usable.
   * Once it settled, the batch's memory takes the next batch: outputs share none of it.
   */
  infer(batch: TensorBatch, requestRows: readonly number[]): Promise<InferResult>
  describe(): EngineInfo
  /** Idempotent. Afterwards no native memory of the model is held. */
  unload(): Promise<void>
}

export interface LoadRequest {
  readonly model: string
  readonly label: string
  readonly spec: VersionSpec
  /** A file whose digest was checked; null for engines without one. */
  readonly artifactPath: string | null
  /** What `infer` will be fed: the contract's inputs, or null where a preprocess module decides. */
  readonly feeds: readonly TensorSpec[] | null
}

export interface InferResult {
  readonly outputs: TensorBatch
  /** Requests, by place in `requestRows`, that failed though the batch did not, and why. */
  readonly failed?: ReadonlyMap<number, string>
}

export interface EngineInfo {
  readonly runtime: string
  /** What the artifact itself says that it takes; free dimensions are null. */
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  /** Rows a batch may have at most, where the artifact fixes it. */
  readonly maxRows: number | null
}
