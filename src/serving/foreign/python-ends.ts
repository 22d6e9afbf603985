import type { KnownEnd } from './foreign-kind.ts'

/** Last words of any server on PyTorch that parses its arguments with argparse. */
export const PYTHON_ENDS: readonly KnownEnd[] = [
  // argparse: "<program>: error: unrecognized arguments: --what", "argument --dtype: invalid choice: …", and status 2;
  // compilers say such lines as well.
  { pattern: /^\S[^:]*: error: (.+)$/, code: 'engine_refused', exitCode: 2 },
  // torch.OutOfMemoryError, torch.cuda.OutOfMemoryError
  { pattern: /OutOfMemoryError: ((?:CUDA|HIP|XPU) out of memory.*)/, code: 'engine_out_of_memory' },
  { pattern: /((?:CUDA|HIP|XPU) out of memory.*)/, code: 'engine_out_of_memory' },
]

/** Last words must not stay in a buffer. */
export const UNBUFFERED = { PYTHONUNBUFFERED: '1' }
