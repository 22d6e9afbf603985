import { SlipwayError } from '../kernel/index.ts'
import { type GpuRow, gpuRows, priceSources } from './gpu-rows.ts'

export interface Gpu {
  readonly id: string
  readonly name: string
  readonly vendor: 'nvidia' | 'amd'
  /** CUDA compute capability; null where there is none. */
  readonly computeCapability: string | null
  readonly memoryBytes: number
  readonly bandwidthBytesPerS: number
  /** Dense operations a second by type; null: the GPU has no such arithmetic, or nobody says. */
  readonly flops: {
    readonly fp16: number
    readonly fp8: number | null
    readonly int8: number | null
    readonly fp4: number | null
  }
  readonly interconnect: string
  readonly interconnectBytesPerS: number
  readonly powerW: number
  readonly price: {
    readonly usdPerHour: number
    readonly seller: string
    readonly source: string
    readonly readAt: string
  } | null
  readonly datasheet: string
}

export const gpus: readonly Gpu[] = gpuRows.map(gpuOf)

/** By id, name or another name of it; `invalid_request` with the nearest when there is none. */
export function findGpu(name: string): Gpu {
  const wanted = normal(name)
  const index = gpuRows.findIndex(([id, full, aliases]) =>
    [id, full, ...aliases].some((one) => normal(one) === wanted),
  )
  const found = gpus[index]
  if (found !== undefined) return found
  const near = gpuRows
    .filter(([id, full]) => normal(id).includes(wanted) || normal(full).includes(wanted))
    .map(([id]) => id)
  throw new SlipwayError('invalid_request', {
    reason: `No GPU is called "${name}"; ${near.length > 0 ? `near it: ${near.slice(0, 8).join(', ')}` : `known: ${gpuRows.map(([id]) => id).join(', ')}`}.`,
  })
}

function normal(name: string): string {
  return name.toLowerCase().replace(/nvidia|geforce|amd|instinct|gb|[\s_-]/g, '')
}

function gpuOf(row: GpuRow): Gpu {
  const [id, name, , vendor, computeCapability, memoryGib, bandwidthGbps, fp16, fp8, int8, fp4] = row
  const [interconnect, interconnectGbps, powerW, usdPerHour, seller, datasheet] = row.slice(11) as [
    string,
    number,
    number,
    number | null,
    GpuRow[15],
    string,
  ]
  const tera = (value: number | null) => (value === null ? null : value * 1e12)
  return {
    id,
    name,
    vendor,
    computeCapability,
    memoryBytes: memoryGib * 2 ** 30,
    bandwidthBytesPerS: bandwidthGbps * 1e9,
    flops: { fp16: fp16 * 1e12, fp8: tera(fp8), int8: tera(int8), fp4: tera(fp4) },
    interconnect,
    interconnectBytesPerS: interconnectGbps * 1e9,
    powerW,
    price: usdPerHour === null || seller === null ? null : { usdPerHour, seller, ...priceSources[seller] },
    datasheet,
  }
}
