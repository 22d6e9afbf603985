import { rowsOf } from './row.ts'

const SERVER =
  'https://github.com/ggml-org/llama.cpp/blob/00dc8057ab28c9cb4c79a6dd6dfce07fe779f63b/tools/server/README.md'
const SPECULATIVE =
  'https://github.com/ggml-org/llama.cpp/blob/067318e633f77bbddc60f9eedc2a20142509f81d/docs/speculative.md'
const TYPES = 'https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/constants.py'

/** llama.cpp's server; versions are build numbers. It runs on CPUs, CUDA, ROCm, Metal and Vulkan. */
export const llamaCppFeatures = rowsOf('2026-11-25', [
  ['speculative-draft', 'yes', 'b6413', SPECULATIVE, 'a smaller model drafts', { onAmd: true }],
  [
    'speculative-ngram',
    'yes',
    'b7900',
    SPECULATIVE,
    '--spec-type ngram-simple, ngram-map-*, ngram-mod, ngram-cache',
    { onAmd: true },
  ],
  ['gguf', 'yes', 'b6413', SERVER, 'its own format', { onAmd: true }],
  ['int8', 'yes', 'b6413', TYPES, 'Q8_0', { onAmd: true }],
  ['int4', 'yes', 'b6413', TYPES, 'Q4_0, Q4_K and others', { onAmd: true }],
  ['fp4', 'yes', 'b6413', TYPES, 'MXFP4; NVFP4 in newer builds', { onAmd: true }],
  ['fp8', 'no', 'b6413', TYPES, 'no fp8 among ggml’s types; convert to Q8_0 or bf16', { onAmd: false }],
  ['awq', 'no', 'b6413', SERVER, 'loads GGUF; requantise from the full weights'],
  ['gptq', 'no', 'b6413', SERVER, 'loads GGUF; requantise from the full weights'],
  ['bitsandbytes', 'no', 'b6413', SERVER, 'loads GGUF'],
  ['safetensors', 'no', 'b6413', SERVER, 'loads GGUF; convert_hf_to_gguf.py makes one'],
  ['lora', 'yes', 'b6413', SERVER, '--lora, --lora-scaled, as GGUF', { onAmd: true }],
  [
    'multi-lora',
    'yes',
    'b6413',
    SERVER,
    'several adapters loaded, a scale for each by request',
    { onAmd: true },
  ],
  [
    'prefix-caching',
    'yes',
    'b6413',
    SERVER,
    'cache_prompt keeps what a slot had in common with the last request',
    { onAmd: true },
  ],
  [
    'chunked-prefill',
    'yes',
    'b6413',
    SERVER,
    'prompts go in batches of --ubatch-size beside decoding',
    { onAmd: true },
  ],
  [
    'structured-output',
    'yes',
    'b6413',
    SERVER,
    'grammars, and JSON schemas turned into them',
    { onAmd: true },
  ],
  ['tools', 'yes', 'b6413', SERVER, 'function calling for almost any model', { onAmd: true }],
  ['multimodal', 'yes', 'b6413', SERVER, 'with a projector file', { onAmd: true }],
  [
    'tensor-parallel',
    'yes',
    'b6413',
    SERVER,
    '--split-mode row, or tensor, which is called experimental',
    { onAmd: true },
  ],
  ['pipeline-parallel', 'yes', 'b6413', SERVER, '--split-mode layer, the default', { onAmd: true }],
])
