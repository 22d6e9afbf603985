import { rowsOf } from './row.ts'

const IMPORT = 'https://docs.ollama.com/import.md'
const STRUCTURED = 'https://ollama.com/blog/structured-outputs'

/** Ollama. */
export const ollamaFeatures = rowsOf('2026-11-25', [
  ['gguf', 'yes', '0.5.0', IMPORT, 'FROM a file'],
  ['safetensors', 'yes', '0.5.0', IMPORT, 'FROM a folder, for some architectures; it converts'],
  ['int8', 'yes', '0.5.0', IMPORT, 'Q8_0'],
  ['int4', 'yes', '0.5.0', IMPORT, 'Q4 types'],
  ['lora', 'yes', '0.5.0', IMPORT, 'ADAPTER in a Modelfile, for Llama, Mistral and Gemma'],
  ['multi-lora', 'no', '0.5.0', IMPORT, 'an adapter makes a model of its own; requests cannot choose one'],
  [
    'structured-output',
    'yes',
    '0.5.0',
    STRUCTURED,
    'a JSON schema in "format", announced on 6 December 2024',
    { isFirst: true },
  ],
  [
    'tools',
    'yes',
    '0.5.0',
    'https://docs.ollama.com/capabilities/tool-calling',
    'for models whose template has them',
  ],
  [
    'multimodal',
    'yes',
    '0.5.0',
    'https://docs.ollama.com/capabilities/structured-outputs.md',
    'vision models take images',
  ],
  ['awq', 'no', '0.5.0', IMPORT, 'takes full or GGUF weights'],
  ['gptq', 'no', '0.5.0', IMPORT, 'takes full or GGUF weights'],
  ['bitsandbytes', 'no', '0.5.0', IMPORT, 'takes full or GGUF weights'],
])
