import { isObject, type JsonObject, member, numberAt, textAt } from '../json.ts'
import { type Attention, attentionKind, type ModelFacts, noFacts, type Precision } from '../model-facts.ts'
import { quantisedBy } from './quantisation.ts'

/** What a config.json of transformers says; members under `text_config` count for models that see more than text. */
export function configFacts(whole: JsonObject): ModelFacts {
  const config = isObject(member(whole, 'text_config')) ? { ...whole, ...textConfigOf(whole) } : whole
  const architectures = member(whole, 'architectures')
  const layers = numberAt(config, 'num_hidden_layers', 'n_layer', 'n_layers')
  const notes: string[] = []
  const experts = expertsOf(config)
  const size = sizeByConfig(config)
  return {
    ...noFacts('config'),
    architecture:
      (Array.isArray(architectures) && typeof architectures[0] === 'string' ? architectures[0] : null) ??
      textAt(config, 'model_type'),
    name: textAt(whole, '_name_or_path'),
    parameters: size?.total ?? null,
    activeParameters: size?.active ?? null,
    isEstimated: size !== null,
    weightBytes: null,
    precision: declaredPrecision(whole),
    layers,
    hiddenSize: numberAt(config, 'hidden_size', 'n_embd', 'd_model'),
    attention: layers === null ? null : attentionOf(config, layers, notes),
    experts,
    predictLayers: numberAt(config, 'num_nextn_predict_layers', 'mtp_num_hidden_layers') ?? 0,
    contextTokens: numberAt(
      config,
      'max_position_embeddings',
      'n_positions',
      'max_sequence_length',
      'seq_length',
    ),
    rope: ropeOf(config),
    vocabulary: numberAt(config, 'vocab_size'),
    notes,
  }
}

function textConfigOf(whole: JsonObject): JsonObject {
  const inner = member(whole, 'text_config')
  return isObject(inner) ? inner : {}
}

function declaredPrecision(config: JsonObject): Precision | null {
  const quantised = quantisedBy(config)
  const dtype =
    textAt(config, 'torch_dtype', 'dtype') ?? textAt(member(config, 'text_config'), 'torch_dtype', 'dtype')
  if (quantised !== null)
    return {
      name: quantised.method === 'fp8' ? 'fp8' : `int${quantised.bits ?? '?'} (${quantised.method})`,
      method: quantised.method,
      bitsPerWeight: quantised.bits,
      byType: {},
    }
  if (dtype === null) return null
  return { name: dtype, method: null, bitsPerWeight: dtype.includes('32') ? 32 : 16, byType: {} }
}

function attentionOf(config: JsonObject, layers: number, notes: string[]): Attention | null {
  const heads = numberAt(config, 'num_attention_heads', 'n_head', 'n_heads')
  if (heads === null || heads === 0) return null
  const hidden = numberAt(config, 'hidden_size', 'n_embd', 'd_model')
  const kvHeads =
    numberAt(config, 'num_key_value_heads', 'num_kv_heads') ??
    (member(config, 'multi_query') === true ? 1 : heads)
  const rank = numberAt(config, 'kv_lora_rank')
  const headDim = numberAt(config, 'head_dim') ?? (hidden === null ? null : hidden / heads)
  if (headDim === null && rank === null) return null
  const ropeDim = numberAt(config, 'qk_rope_head_dim') ?? 0
  const keyDim = rank === null ? headDim! : (numberAt(config, 'qk_nope_head_dim') ?? 0) + ropeDim
  return {
    kind: rank !== null ? 'MLA' : attentionKind(heads, kvHeads),
    heads,
    kvHeads,
    keyDim,
    valueDim: numberAt(config, 'v_head_dim') ?? headDim ?? keyDim,
    latent: rank !== null ? { rank, ropeDim } : null,
    ...layersByReach(config, layers, notes),
  }
}

/** Which layers keep everything, which a window, which nothing that grows (linear attention, state spaces). */
function layersByReach(
  config: JsonObject,
  layers: number,
  notes: string[],
): Pick<Attention, 'fullLayers' | 'window'> {
  const tokens = numberAt(config, 'sliding_window', 'attention_chunk_size')
  const types = member(config, 'layer_types')
  if (Array.isArray(types) && types.length > 0) {
    const full = types.filter((type) => type === 'full_attention').length
    const windowed = types.filter(
      (type) => type === 'sliding_attention' || type === 'chunked_attention',
    ).length
    if (full + windowed < types.length)
      notes.push(`${types.length - full - windowed} layers keep a state of fixed size instead of a cache`)
    return tokens === null
      ? { fullLayers: full + windowed, window: null }
      : { fullLayers: full, window: windowed > 0 ? { tokens, layers: windowed } : null }
  }
  const every = numberAt(config, 'full_attention_interval', 'attn_layer_period')
  if (every !== null && every > 0) {
    notes.push('only every so many layers keep a cache; the others a state of fixed size')
    return { fullLayers: Math.floor(layers / every), window: null }
  }
  if (tokens === null || tokens === 0 || member(config, 'use_sliding_window') === false)
    return { fullLayers: layers, window: null }
  const pattern = numberAt(config, 'sliding_window_pattern', '_sliding_window_pattern')
  const full = pattern === null || pattern === 0 ? 0 : Math.floor(layers / pattern)
  return { fullLayers: full, window: { tokens, layers: layers - full } }
}

function expertsOf(config: JsonObject): ModelFacts['experts'] {
  const total = numberAt(config, 'num_local_experts', 'n_routed_experts', 'num_experts', 'moe_num_experts')
  if (total === null || total < 2) return null
  return {
    total,
    active: numberAt(config, 'num_experts_per_tok', 'moe_top_k', 'moe_topk') ?? total,
    shared: numberAt(config, 'n_shared_experts') ?? 0,
  }
}

function ropeOf(config: JsonObject): ModelFacts['rope'] {
  const scaling = member(config, 'rope_scaling') ?? member(config, 'rope_parameters')
  const base = numberAt(config, 'rope_theta') ?? numberAt(scaling, 'rope_theta')
  const type = textAt(scaling, 'rope_type', 'type')
  if (base === null && type === null) return null
  return { base, scaling: type === 'default' ? null : type, factor: numberAt(scaling, 'factor') }
}

/**
 * Parameters of a decoder with gated MLPs by its sizes, for where no tensors are at hand: embeddings, and per layer
 * attention, MLP or experts, two norms. null where a size is missing or the form is another.
 */
function sizeByConfig(config: JsonObject): { total: number; active: number } | null {
  const layers = numberAt(config, 'num_hidden_layers')
  const hidden = numberAt(config, 'hidden_size')
  const heads = numberAt(config, 'num_attention_heads')
  const vocabulary = numberAt(config, 'vocab_size')
  const inner = numberAt(config, 'intermediate_size')
  if (layers === null || hidden === null || heads === null || vocabulary === null || inner === null)
    return null
  const kvHeads = numberAt(config, 'num_key_value_heads') ?? heads
  const headDim = numberAt(config, 'head_dim') ?? hidden / heads
  const attention = latentSize(config, hidden, heads) ?? hidden * headDim * (2 * heads + 2 * kvHeads)
  const embeddings = vocabulary * hidden * (member(config, 'tie_word_embeddings') === true ? 1 : 2)
  const experts = expertsOf(config)
  const dense = layers * (attention + 3 * hidden * inner + 2 * hidden) + embeddings + hidden
  if (experts === null) return { total: dense, active: dense }
  const expertSize = 3 * hidden * (numberAt(config, 'moe_intermediate_size') ?? inner)
  const denseLayers = Math.min(layers, numberAt(config, 'first_k_dense_replace') ?? 0)
  const with_ = (count: number) =>
    embeddings +
    layers * (attention + 2 * hidden) +
    denseLayers * 3 * hidden * inner +
    (layers - denseLayers) * ((count + experts.shared) * expertSize + hidden * experts.total)
  return { total: with_(experts.total), active: with_(experts.active) }
}

/** Attention weights of multi-head latent attention (DeepSeek-V2, arXiv 2405.04434). */
function latentSize(config: JsonObject, hidden: number, heads: number): number | null {
  const rank = numberAt(config, 'kv_lora_rank')
  if (rank === null) return null
  const nope = numberAt(config, 'qk_nope_head_dim') ?? 0
  const ropeDim = numberAt(config, 'qk_rope_head_dim') ?? 0
  const value = numberAt(config, 'v_head_dim') ?? nope
  const queryRank = numberAt(config, 'q_lora_rank')
  const query =
    queryRank === null ? hidden * heads * (nope + ropeDim) : queryRank * (hidden + heads * (nope + ropeDim))
  return query + hidden * (rank + ropeDim) + rank * heads * (nope + value) + heads * value * hidden
}
