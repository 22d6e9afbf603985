import type { ModelFacts } from '../artifacts/index.ts'
import { adapterBytes } from './adapters.ts'
import type { EngineProfile } from './engines.ts'
import { fitOf } from './fit.ts'
import type { Gpu } from './gpus.ts'
import type { KvType } from './kv-cache.ts'

export interface Tenant {
  readonly name: string
  readonly facts: ModelFacts
  readonly contextTokens: number
  readonly concurrency: number
}

export interface Together {
  readonly fits: boolean
  readonly usedBytes: number
  readonly usableBytes: number
  readonly tenants: readonly { readonly name: string; readonly bytes: number; readonly share: number }[]
  readonly guesses: readonly string[]
}

/**
 * Several models, such as a teacher, its distilled student and a quantised variant, each in a process of its own on one
 * GPU: each has its weights, cache, activations and reserve. `share` is the part of the GPU that each is to be given.
 * null where a file does not say enough.
 */
export function together(
  tenants: readonly Tenant[],
  gpu: Gpu,
  engine: EngineProfile,
  kvType: KvType = 'fp16',
): Together | null {
  const fits = tenants.map(({ name, ...tenant }) => ({
    name,
    fit: fitOf({ ...tenant, gpu, engine, gpus: 1, kvType }),
  }))
  const guesses: string[] = []
  const sized: { name: string; bytes: number; share: number }[] = []
  for (const { name, fit } of fits) {
    if (fit === null) return null
    guesses.push(...fit.guesses.map((guess) => `${name}: ${guess}`))
    sized.push({ name, bytes: fit.needs.total, share: fit.needs.total / gpu.memoryBytes })
  }
  const usableBytes = gpu.memoryBytes * engine.memoryShare
  const usedBytes = sized.reduce((sum, { bytes }) => sum + bytes, 0)
  return { fits: usedBytes <= usableBytes, usedBytes, usableBytes, tenants: sized, guesses }
}

export interface AdaptersOnBase {
  readonly bytesEach: number
  /** Slots that stay on the GPU beside the base and its cache. */
  readonly most: number
  /** Sequences of whole context that these slots take the place of. */
  readonly sequencesLost: number | null
}

/** Adapters of a rank on one base: how large they are, how many fit beside so many sequences, what they cost in cache. */
export function adaptersOnBase(
  tenant: Omit<Tenant, 'name'>,
  gpu: Gpu,
  engine: EngineProfile,
  adapters: { readonly rank: number; readonly wanted: number },
  kvType: KvType = 'fp16',
): AdaptersOnBase | null {
  const bytesEach = adapterBytes(tenant.facts, adapters.rank)
  const fit = fitOf({ ...tenant, gpu, engine, gpus: 1, kvType })
  if (bytesEach === null || fit === null) return null
  const perSequence = tenant.concurrency === 0 ? 0 : fit.needs.kv / tenant.concurrency
  return {
    bytesEach,
    most: Math.max(0, Math.floor(fit.headroomBytes / bytesEach)),
    sequencesLost: perSequence === 0 ? null : (bytesEach * adapters.wanted) / perSequence,
  }
}

/** GB/s that loads reach: one good NVMe disk; half of what PCIe 4 and 5 print for both directions, less protocol. */
const DISK_BYTES_PER_S = 3e9
const HOST_SHARE = 0.4

/** Milliseconds to bring weights onto a GPU that another model had before: from disk, and from the host's memory. */
export function switchMs(
  weightBytes: number,
  gpu: Gpu,
): { readonly fromDiskMs: number; readonly fromHostMs: number } {
  const isPcie = gpu.interconnect.startsWith('PCIe')
  const hostBytesPerS = (isPcie ? gpu.interconnectBytesPerS : 64e9) * HOST_SHARE
  return {
    fromDiskMs: (1000 * weightBytes) / DISK_BYTES_PER_S,
    fromHostMs: (1000 * weightBytes) / hostBytesPerS,
  }
}
