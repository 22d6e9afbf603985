/** What an engine may be asked to do. */
export const engineFeatures = [
  'multi-token-prediction',
  'speculative-draft',
  'speculative-ngram',
  'speculative-eagle',
  'speculative-medusa',
  'fp8',
  'int8',
  'int4',
  'awq',
  'gptq',
  'gguf',
  'bitsandbytes',
  'fp4',
  'kv-fp8',
  'safetensors',
  'lora',
  'multi-lora',
  'prefix-caching',
  'chunked-prefill',
  'structured-output',
  'tools',
  'multimodal',
  'tensor-parallel',
  'pipeline-parallel',
  'expert-parallel',
] as const
export type EngineFeature = (typeof engineFeatures)[number]

/** One engine, one feature, what its own pages say of it. */
export interface FeatureRow {
  readonly feature: EngineFeature
  readonly status: 'supported' | 'not-supported'
  /** The oldest version whose pages were seen to say so. */
  readonly from: string
  /** `from` is the version that brought it; else older ones may have it too, and nobody looked. */
  readonly isFirst: boolean
  /** The version in which it stopped being so. */
  readonly until: string | null
  /** CUDA compute capability that it needs, such as 8.9. */
  readonly leastCapability: string | null
  /** On GPUs of AMD; null: the page does not say. */
  readonly onAmd: boolean | null
  /** In our words. */
  readonly line: string
  readonly source: string
  /** The day the page was read. */
  readonly readAt: string
}

/** A row as it is written in a table; what is left out is null or false. */
export type RowWords = readonly [
  feature: EngineFeature,
  status: 'yes' | 'no',
  from: string,
  source: string,
  line: string,
  more?: {
    readonly isFirst?: true
    readonly until?: string
    readonly leastCapability?: string
    readonly onAmd?: boolean
  },
]

export function rowsOf(readAt: string, rows: readonly RowWords[]): FeatureRow[] {
  return rows.map(([feature, status, from, source, line, more = {}]) => ({
    feature,
    status: status === 'yes' ? 'supported' : 'not-supported',
    from,
    isFirst: more.isFirst ?? false,
    until: more.until ?? null,
    leastCapability: more.leastCapability ?? null,
    onAmd: more.onAmd ?? null,
    line,
    source,
    readAt,
  }))
}
