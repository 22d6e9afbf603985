import type { ProviderDialect } from '../dialect.ts'
import { ConverseEvents } from './converse-stream.ts'
import { readError } from './errors.ts'
import { FramedStream } from './framed-stream.ts'
import { readAnswer } from './read-answer.ts'
import { writeRequest } from './write-request.ts'

/** Amazon Bedrock's `Converse` and `ConverseStream`, the same for all of its models. */
export const converseProvider: ProviderDialect = {
  name: 'bedrock-converse',
  writeRequest,
  readAnswer,
  streamReader: (emit) => new FramedStream(emit, new ConverseEvents(emit)),
  readError,
}
