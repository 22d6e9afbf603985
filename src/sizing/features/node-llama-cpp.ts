import { rowsOf } from './row.ts'

const GUIDE = 'https://node-llama-cpp.withcat.ai/guide/'
const DRAFT =
  'https://app.unpkg.com/node-llama-cpp@3.12.4/files/dist/evaluator/LlamaContext/tokenPredictors/DraftSequenceTokenPredictor.js'
const LOOKUP =
  'https://app.unpkg.com/node-llama-cpp@3.16.2/files/dist/evaluator/LlamaContext/tokenPredictors/InputLookupTokenPredictor.d.ts'
const TYPES = 'https://app.unpkg.com/node-llama-cpp@3.22.1/files/dist/evaluator/LlamaModel/LlamaModel.d.ts'

/** node-llama-cpp, the engine `llama` here; versions as on npm. */
export const nodeLlamaCppFeatures = rowsOf('2026-11-25', [
  [
    'speculative-draft',
    'yes',
    '3.12.4',
    DRAFT,
    'DraftSequenceTokenPredictor, with a smaller model of the same vocabulary',
  ],
  [
    'speculative-ngram',
    'yes',
    '3.16.2',
    LOOKUP,
    'InputLookupTokenPredictor finds the next words in the prompt',
  ],
  ['gguf', 'yes', '3.0.0', GUIDE, 'the format it loads'],
  ['int8', 'yes', '3.0.0', GUIDE, 'Q8_0 in a GGUF'],
  ['int4', 'yes', '3.0.0', GUIDE, 'Q4 types in a GGUF'],
  ['fp8', 'no', '3.0.0', GUIDE, 'ggml has no fp8 type; convert to Q8_0 or bf16'],
  ['awq', 'no', '3.0.0', GUIDE, 'loads GGUF only'],
  ['gptq', 'no', '3.0.0', GUIDE, 'loads GGUF only'],
  ['bitsandbytes', 'no', '3.0.0', GUIDE, 'loads GGUF only'],
  ['safetensors', 'no', '3.0.0', GUIDE, 'loads GGUF only'],
  ['lora', 'yes', '3.22.1', TYPES, 'adapters of a context, with a scale'],
  ['multi-lora', 'yes', '3.22.1', TYPES, 'several adapters on a context; another set needs another context'],
  [
    'prefix-caching',
    'yes',
    '3.22.1',
    GUIDE,
    'a sequence keeps its state; one that begins alike evaluates only the rest',
  ],
  [
    'chunked-prefill',
    'yes',
    '3.22.1',
    GUIDE,
    'prompts are evaluated in batches among the sequences of a context',
  ],
  ['structured-output', 'yes', '3.0.0', GUIDE, 'JSON schema and grammars'],
  ['tools', 'yes', '3.0.0', GUIDE, 'functions, for chat wrappers that know them'],
  ['tensor-parallel', 'no', '3.22.1', GUIDE, 'several GPUs hold whole layers; weights are not split by rows'],
  ['expert-parallel', 'no', '3.22.1', GUIDE, 'no such setting'],
])
