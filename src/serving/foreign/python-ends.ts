import type { KnownEnd } from './foreign-kind.ts'

/** Last words of any server on PyTorch that parses its arguments with argparse. */
export const PYTHON_ENDS: readonly KnownEnd[] = [
  // argparse: "<program>: error: unrecognized arguments: --what", "argument --dtype: invalid choice: …"
  { pattern: /^\S[^:]*: error: (.+)$/, code: 'engine_refused' },
  // torch.OutOfMemoryError, torch.cuda.OutOfMemoryError
  { pattern: /OutOfMemoryError: ((?:CUDA|HIP|XPU) out of memory.*)/, code: 'engine_out_of_memory' },
  { pattern: /((?:CUDA|HIP|XPU) out of memory.*)/, code: 'engine_out_of_memory' },
]
