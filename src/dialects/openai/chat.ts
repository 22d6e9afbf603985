import type { ProviderDialect, SurfaceDialect } from '../dialect.ts'
import { sseStreamReader } from '../sse/sse-stream.ts'
import { type ChatQuirks, chatQuirks } from './chat-quirks.ts'
import { ChatInterpreter, readDelta } from './chat-stream-reader.ts'
import { chatStreamWriter } from './chat-stream-writer.ts'
import { fieldOf } from './field-names.ts'
import { glanceChat } from './glance.ts'
import { readAnswer } from './read-answer.ts'
import { readChat } from './read-chat.ts'
import { readError } from './read-error.ts'
import { writeAnswer } from './write-answer.ts'
import { writeChat } from './write-chat.ts'
import { writeError } from './write-error.ts'

/** `POST /v1/chat/completions` as clients call it. */
export const chatSurface: SurfaceDialect = {
  name: 'openai-chat',
  glance: glanceChat,
  readRequest: readChat,
  fieldOf,
  writeAnswer,
  streamWriter: chatStreamWriter,
  writeError,
}

/** Chat completions of OpenAI, or of a server with other quirks. */
export function chatProvider(quirks: ChatQuirks = chatQuirks.openai): ProviderDialect {
  return {
    name: 'openai-chat',
    writeRequest: (request, modelName) => writeChat(request, modelName, quirks),
    readAnswer,
    streamReader: (emit) => sseStreamReader(emit, new ChatInterpreter(readDelta, quirks.doneIsOptional)),
    readError,
  }
}
