import { rowsOf } from './row.ts'

const README =
  'https://github.com/huggingface/text-generation-inference/blob/01b82b58d2a94ceeedb7a29b98b00f0a7eda8de6/README.md'
const QUANTISATION =
  'https://github.com/huggingface/text-generation-inference/blob/0a2736e34ad8ec19da7112ce28863275362f41af/docs/source/conceptual/quantization.md'
const LORA = 'https://huggingface.co/docs/text-generation-inference/conceptual/lora'

/** Text Generation Inference; in maintenance mode, which its own front page says. */
export const tgiFeatures = rowsOf('2026-11-25', [
  [
    'speculative-ngram',
    'yes',
    '2.3.1',
    'https://huggingface.co/docs/text-generation-inference/conceptual/speculation',
    'by n-grams',
  ],
  [
    'speculative-medusa',
    'yes',
    '2.3.1',
    'https://huggingface.co/docs/text-generation-inference/conceptual/speculation',
    'by Medusa heads that are part of the model',
  ],
  ['fp8', 'yes', '2.3.1', QUANTISATION, 'quantised on the fly'],
  ['int8', 'yes', '2.3.1', QUANTISATION, 'bitsandbytes or EETQ, on the fly'],
  ['int4', 'yes', '2.3.1', QUANTISATION, 'GPTQ, AWQ, Marlin or bitsandbytes'],
  ['awq', 'yes', '2.3.1', QUANTISATION, 'weights that are already quantised'],
  ['gptq', 'yes', '2.3.1', QUANTISATION, 'weights that are already quantised, or made by its own command'],
  ['bitsandbytes', 'yes', '2.3.1', QUANTISATION, 'nf4, fp4 or 8-bit on the fly'],
  ['safetensors', 'yes', '2.3.1', README, 'what it loads'],
  ['lora', 'yes', '3.0.0', LORA, 'adapters at inference, with the kernels of Punica and LoRAX'],
  ['multi-lora', 'yes', '3.0.0', LORA, 'named by the request'],
  ['structured-output', 'yes', '2.3.1', README, 'guidance by JSON schema or regular expression'],
  [
    'tools',
    'yes',
    '3.0.0',
    'https://huggingface.co/docs/text-generation-inference/conceptual/guidance',
    'functions, on top of guidance',
  ],
  [
    'multimodal',
    'yes',
    '2.0.2',
    'https://huggingface.co/posts/Narsil/956077083567238',
    'Idefics 2 and LLaVA in 2.0.2',
  ],
  ['tensor-parallel', 'yes', '2.3.1', README, '--num-shard'],
])
