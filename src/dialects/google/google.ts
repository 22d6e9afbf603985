import type { ProviderDialect } from '../dialect.ts'
import { sseStreamReader } from '../sse/sse-stream.ts'
import { readError } from './errors.ts'
import { readAnswer } from './read-answer.ts'
import { GoogleInterpreter } from './stream-interpreter.ts'
import { writeRequest } from './write-request.ts'

/** Gemini as the Gemini API and Vertex AI serve it: `generateContent`, and `streamGenerateContent?alt=sse`. */
export const geminiProvider: ProviderDialect = {
  name: 'gemini',
  writeRequest,
  readAnswer,
  streamReader: (emit) => sseStreamReader(emit, new GoogleInterpreter()),
  readError,
}
