import { rowsOf } from './row.ts'

const COMMIT = 'https://github.com/sgl-project/sglang/blob'
const SPECULATIVE = `${COMMIT}/067ad4d335bbd6da15d4a83a6f257cfa9e0f6be0/docs/advanced_features/speculative_decoding.md`
const QUANTISATION = `${COMMIT}/0f4513c2f46be5ae1e0d9bf0a8f7b5471a8b3d16/docs/advanced_features/quantization.md`
const LORA = 'https://docs.sglang.io/advanced_features/lora.html'
const FIRST = `${COMMIT}/007eeb4eb91cb30bd6b0c2bb17a0655ea5841c15/README.md`

/** SGLang; the pages read are those of 0.5. */
export const sglangFeatures = rowsOf('2026-11-25', [
  [
    'multi-token-prediction',
    'yes',
    '0.5.0',
    SPECULATIVE,
    'through the speculative workflow, for models with heads of their own',
  ],
  [
    'speculative-draft',
    'yes',
    '0.5.0',
    SPECULATIVE,
    'STANDALONE with a smaller model; not with --enable-dp-attention',
  ],
  [
    'speculative-ngram',
    'yes',
    '0.5.0',
    SPECULATIVE,
    'NGRAM, on CUDA only; switches the overlap scheduler off',
    { leastCapability: '7.5', onAmd: false },
  ],
  ['speculative-eagle', 'yes', '0.5.0', SPECULATIVE, 'EAGLE-2 and EAGLE-3'],
  [
    'fp8',
    'yes',
    '0.5.0',
    QUANTISATION,
    'fp8 and w8a8_fp8; kernels of ModelOpt from Hopper on',
    { onAmd: true },
  ],
  ['int8', 'yes', '0.5.0', QUANTISATION, 'w8a8_int8 and blockwise_int8', { onAmd: true }],
  ['int4', 'yes', '0.5.0', QUANTISATION, 'by AWQ, GPTQ, compressed-tensors or torchao', { onAmd: true }],
  ['awq', 'yes', '0.5.0', QUANTISATION, 'own kernels on NVIDIA, Triton on AMD', { onAmd: true }],
  ['gptq', 'yes', '0.5.0', QUANTISATION, 'Marlin on NVIDIA, Triton or vLLM kernels on AMD', { onAmd: true }],
  ['gguf', 'yes', '0.5.0', QUANTISATION, 'kernels for CUDA only', { onAmd: false }],
  ['bitsandbytes', 'yes', '0.5.0', QUANTISATION, 'experimental on AMD', { onAmd: true }],
  [
    'fp4',
    'yes',
    '0.5.0',
    QUANTISATION,
    'modelopt_fp4 from capability 10.0; mxfp4 and petit_nvfp4 on AMD',
    { leastCapability: '10.0', onAmd: true },
  ],
  ['kv-fp8', 'yes', '0.5.0', QUANTISATION, 'the KV cache is among what ModelOpt quantises'],
  ['safetensors', 'yes', '0.5.0', QUANTISATION, 'folders of transformers are what it loads'],
  ['lora', 'yes', '0.5.0', LORA, '--enable-lora'],
  [
    'multi-lora',
    'yes',
    '0.5.0',
    LORA,
    'several adapters in a batch, eight by default (--max-loras-per-batch)',
  ],
  [
    'prefix-caching',
    'yes',
    '0.1.0',
    FIRST,
    'RadixAttention reuses the cache across calls',
    { isFirst: true },
  ],
  ['chunked-prefill', 'yes', '0.5.0', SPECULATIVE, 'mixed chunked prefill is what NGRAM switches off'],
  [
    'structured-output',
    'yes',
    '0.1.0',
    FIRST,
    'a regular expression constrains decoding; JSON schema and grammars since',
    { isFirst: true },
  ],
  [
    'tools',
    'yes',
    '0.5.0',
    'https://docs.sglang.io/advanced_features/tool_parser.html',
    'with a parser for the model family',
  ],
  ['multimodal', 'yes', '0.1.0', FIRST, 'images (LLaVA) from the first version', { isFirst: true }],
  ['tensor-parallel', 'yes', '0.1.0', FIRST, '--tp', { isFirst: true }],
  [
    'pipeline-parallel',
    'yes',
    '0.5.0',
    'https://docs.sglang.io/advanced_features/pipeline_parallelism.html',
    'a page of its own',
  ],
  [
    'expert-parallel',
    'yes',
    '0.5.0',
    'https://docs.sglang.io/advanced_features/expert_parallelism.html',
    'a page of its own',
  ],
])
