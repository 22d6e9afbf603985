import type { JsonObject } from '../json.ts'
import { isObject, member, numberAt, textAt } from '../json.ts'
import type { Precision } from '../model-facts.ts'
import type { StoredTensor } from './header.ts'

/** Names of what quantisers store beside the weights: scales, zero points, orders. They are no parameters. */
const SIDE_TENSOR =
  /(\.(scales?|qzeros|g_idx|weight_scale(_inv|_2)?|weight_zero_point|weight_shape|weight_g_idx|input_scale|k_scale|v_scale|absmax|quant_map|nested_absmax|nested_quant_map|quant_state.*|SCB|weight_format|zero_point))$/

interface Quantised {
  readonly method: string
  readonly bits: number | null
}

/** `quantization_config` of a config.json, as transformers writes it. */
export function quantisedBy(config: JsonObject | undefined): Quantised | null {
  const found =
    member(config, 'quantization_config') ?? member(member(config, 'text_config'), 'quantization_config')
  if (!isObject(found)) return null
  const method = (textAt(found, 'quant_method', 'quant_algo') ?? 'unknown').toLowerCase()
  if (method === 'bitsandbytes') return { method, bits: member(found, 'load_in_4bit') === true ? 4 : 8 }
  if (method === 'fp8' || method === 'fbgemm_fp8') return { method: 'fp8', bits: 8 }
  if (method === 'mxfp4') return { method, bits: 4 }
  if (method === 'compressed-tensors') {
    const groups = member(found, 'config_groups')
    const weights = isObject(groups) ? member(Object.values(groups)[0], 'weights') : undefined
    return { method, bits: numberAt(weights, 'num_bits') }
  }
  return { method, bits: numberAt(found, 'bits', 'w_bit') }
}

/** Parameters that tensors stand for, by the type they are stored in; packed integers count as the numbers within. */
export function countParameters(
  tensors: readonly StoredTensor[],
  quantised: Quantised | null,
): { parameters: number; byType: Record<string, number> } {
  const byType: Record<string, number> = {}
  let parameters = 0
  for (const { name, dtype, elements } of tensors) {
    if (SIDE_TENSOR.test(name)) continue
    const count = elements * packedIn(name, dtype, quantised)
    parameters += count
    byType[dtype] = (byType[dtype] ?? 0) + count
  }
  return { parameters, byType }
}

/** Numbers in one stored element. */
function packedIn(name: string, dtype: string, quantised: Quantised | null): number {
  const bits = quantised?.bits
  if (quantised === null || bits == null || bits <= 0 || bits > 8) return 1
  if (dtype === 'I32' && /\.(qweight|weight_packed)$/.test(name)) return 32 / bits
  if (dtype === 'U8' && bits === 4) return 2
  return 1
}

export function precisionOf(
  tensors: readonly StoredTensor[],
  config: JsonObject | undefined,
): { parameters: number; precision: Precision | null } {
  const quantised = quantisedBy(config)
  const { parameters, byType } = countParameters(tensors, quantised)
  const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0)
  const most = Object.entries(byType).toSorted(([, left], [, right]) => right - left)[0]?.[0]
  if (most === undefined) return { parameters, precision: null }
  const isFp8 = most.startsWith('F8')
  const method = quantised?.method ?? (isFp8 ? 'fp8' : null)
  const name =
    quantised === null || isFp8 ? plainName(most) : `int${quantised.bits ?? '?'} (${quantised.method})`
  return {
    parameters,
    precision: { name, method, bitsPerWeight: parameters === 0 ? null : (bytes * 8) / parameters, byType },
  }
}

const PLAIN: Readonly<Record<string, string>> = {
  BF16: 'bfloat16',
  F16: 'float16',
  F32: 'float32',
  F64: 'float64',
}

function plainName(dtype: string): string {
  return dtype.startsWith('F8') ? 'fp8' : (PLAIN[dtype] ?? dtype.toLowerCase())
}
