import type { ProviderDialect } from '../dialect.ts'
import { sseStreamReader } from '../sse/sse-stream.ts'
import { readError } from './errors.ts'
import { readAnswer } from './read-answer.ts'
import { CohereInterpreter } from './stream-interpreter.ts'
import { writeRequest } from './write-request.ts'

/** Cohere's chat, version 2. */
export const cohereProvider: ProviderDialect = {
  name: 'cohere',
  writeRequest,
  readAnswer,
  streamReader: (emit) => sseStreamReader(emit, new CohereInterpreter()),
  readError,
}
