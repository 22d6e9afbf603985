import { rowsOf } from './row.ts'

const README = 'https://raw.githubusercontent.com/microsoft/onnxruntime-genai/main/README.md'
const LORA = 'https://www.mintlify.com/microsoft/onnxruntime-genai/guides/multi-lora'
const INTRODUCTION = 'https://www.mintlify.com/microsoft/onnxruntime-genai/introduction'

/** ONNX Runtime with its GenAI library; versions are those of onnxruntime-genai. */
export const onnxruntimeFeatures = rowsOf('2026-11-25', [
  [
    'int4',
    'yes',
    '0.2.0',
    'https://github.com/microsoft/onnxruntime-genai/blob/03768f216f354d0b64830e99910e39b33bda8ea2/README.md',
    'its model builder exports int4 (-p int4)',
  ],
  ['lora', 'yes', '0.8.0', LORA, 'adapters exported by its model builder'],
  ['multi-lora', 'yes', '0.8.0', LORA, 'loaded, switched and dropped at run time'],
  ['structured-output', 'yes', '0.8.0', README, 'grammars, named for tool calls'],
  ['tools', 'yes', '0.8.0', README, 'by a grammar that describes them'],
  ['multimodal', 'yes', '0.8.0', INTRODUCTION, 'Phi and Qwen with images, Whisper with speech'],
  ['gguf', 'no', '0.8.0', README, 'runs ONNX; its model builder reads some GGUF files to export them'],
  ['safetensors', 'no', '0.8.0', README, 'runs ONNX; export with its model builder'],
  ['awq', 'no', '0.8.0', README, 'runs ONNX; the model builder takes such weights in when it exports'],
  ['gptq', 'no', '0.8.0', README, 'runs ONNX; the model builder takes such weights in when it exports'],
  ['bitsandbytes', 'no', '0.8.0', README, 'runs ONNX'],
])
