import type {
  Change,
  CheckName,
  DatasetItem,
  Digest,
  Evidence,
  Measurement,
  Model,
  Version,
} from '../contracts/index.ts'

/** All that a check may know. The lab reaches models only through the gateway, like any user. */
export interface CheckContext {
  readonly change: Change
  readonly model: Model
  readonly champion: Version
  readonly candidate: Version
  readonly golden: { readonly name: string; readonly digest: Digest; readonly items: readonly DatasetItem[] }
  readonly gatewayUrl: string
  readonly key: string
  /** Bytes of an artifact by digest. */
  readonly artifact: (digest: Digest) => Promise<Buffer>
  readonly seed: number
}

/** Made and hashed before any candidate output exists. */
export interface CheckPlan {
  readonly check: CheckName
  /** Seeds, sizes, margins, alpha, thresholds: JSON, hashed into the evidence. */
  readonly plan: Record<string, unknown>
  readonly expectedMs: number
  /** What it can detect, in sentences for people. */
  readonly says: readonly string[]
  /** Why it cannot decide at the wanted margin; empty when it can. */
  readonly impossible: readonly string[]
}

/** Finished blocks of an earlier run of the same plan, and where new ones go. */
export interface BlockStore {
  finished(): Promise<Map<number, unknown>>
  put(index: number, block: unknown): Promise<void>
}

export interface CheckRun {
  readonly signal: AbortSignal
  readonly blocks: BlockStore
  onProgress(progress: { done: number; total: number; unit: string; etaMs: number | null }): void
}

/** What `analyse` concludes from raw blocks. Pure: the same plan and raw give the same judgement, offline too. */
export interface Judgement {
  readonly status: Evidence['status']
  readonly summary: string
  readonly measurements: Measurement[]
  readonly details: Record<string, unknown>
}

/** One check: plan first, then measure into raw blocks, then judge the raw blocks and nothing else. */
export interface Check {
  readonly name: CheckName
  plan(context: CheckContext): Promise<CheckPlan>
  measure(context: CheckContext, plan: CheckPlan, run: CheckRun): Promise<Record<string, unknown>>
  analyse(plan: Record<string, unknown>, raw: Record<string, unknown>): Judgement
}
