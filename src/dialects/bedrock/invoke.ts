import type { GenerateEvent } from '../../contracts/index.ts'
import { writeHosted } from '../anthropic/hosted-request.ts'
import { readAnswer } from '../anthropic/read-answer.ts'
import { AnthropicInterpreter } from '../anthropic/stream-interpreter.ts'
import { type JsonObject, type ProviderDialect, UpstreamBroken } from '../dialect.ts'
import { textOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import { exceptionIn, readError } from './errors.ts'
import { type FramedEvents, FramedStream } from './framed-stream.ts'

const VERSION = 'bedrock-2023-05-31'

/**
 * Anthropic's models by `InvokeModel` and `InvokeModelWithResponseStream`: their own Messages API, in Amazon's framing.
 * docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
 */
export const anthropicOnBedrock: ProviderDialect = {
  name: 'anthropic',
  writeRequest(request, modelName) {
    const { stream: _, ...body } = writeHosted(request, modelName, VERSION)
    return body
  },
  readAnswer(body) {
    const exception = exceptionIn(body)
    if (exception !== undefined) throw new UpstreamBroken(exception)
    return readAnswer(body)
  },
  streamReader: (emit) => new FramedStream(emit, new Chunks(emit)),
  readError,
}

/** Each `chunk` carries one event of the model's own stream, as base64 of its JSON. */
class Chunks implements FramedEvents {
  readonly isWhole = false
  readonly #interpreter = new AnthropicInterpreter()
  readonly #emit: (event: GenerateEvent) => void

  constructor(emit: (event: GenerateEvent) => void) {
    this.#emit = emit
  }

  event(type: string | boolean | undefined, body: JsonObject): boolean {
    if (type !== 'chunk') return false
    const bytes = textOf(body.bytes)
    if (bytes === undefined) throw new UpstreamBroken(brokenProblem('a chunk of its stream has no bytes'))
    const data = Buffer.from(bytes, 'base64').toString('utf8')
    return this.#interpreter.event({ event: undefined, data, id: undefined }, this.#emit)
  }
}
