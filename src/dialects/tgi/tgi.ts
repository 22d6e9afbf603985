import type { ProviderDialect } from '../dialect.ts'
import { sseStreamReader } from '../sse/sse-stream.ts'
import { readError } from './errors.ts'
import { readAnswer } from './read-answer.ts'
import { TgiInterpreter } from './stream-interpreter.ts'
import { writeRequest } from './write-request.ts'

/** Hugging Face's Text Generation Inference in its own words: `/generate` and `/generate_stream`. */
export const tgiProvider: ProviderDialect = {
  name: 'tgi',
  writeRequest,
  readAnswer,
  streamReader: (emit) => sseStreamReader(emit, new TgiInterpreter()),
  readError,
}
