import type { DialectName, JsonObject, ProviderDialect, UpstreamProblem } from '../../dialects/index.ts'
import { classOfStatus, UnsupportedFeature } from '../../dialects/index.ts'
import type { TextCall, TextSink } from '../text/text-upstream.ts'
import type { Found, TextCodecs, WholeCodec } from './codecs.ts'
import { type Operation, type ProviderRow, rowFor } from './kind-row.ts'
import {
  foundIn,
  parsed,
  type Reading,
  RelayReading,
  StreamReading,
  WholeReading,
  withoutCost,
} from './reading.ts'

/** A call, written for the wire once, whatever number of tries it takes. */
export interface Prepared {
  readonly operation: Operation
  readonly body: Buffer
  readonly isStream: boolean
  /** A fresh one for each try. */
  reading(sink: TextSink): Reading
  readError(status: number, body: Buffer): UpstreamProblem
}

/** Throws `UnsupportedFeature` for what this provider, or its dialect, cannot do. */
export function prepare(
  call: TextCall,
  kindRow: ProviderRow,
  codecs: TextCodecs,
  maxHeldBytes: number,
): Prepared {
  const { modelName, work } = call
  const row = rowFor(kindRow, modelName)
  switch (work.kind) {
    case 'generate':
      return generation(call, work.request, row, codecs, maxHeldBytes)
    case 'relay':
      return relay(call, work.dialect, work.body, row, codecs, maxHeldBytes)
    case 'embed':
      return whole('embeddings', codecs.embed(row, modelName), work.request, call, row, codecs)
    case 'rerank':
      return whole('rerank', codecs.rerank(row, modelName), work.request, call, row, codecs)
    case 'count-tokens':
      return whole('countTokens', codecs.countTokens(row), work.request, call, row, codecs)
    case 'moderate':
      return whole('moderations', AS_IT_IS, work.body, call, row, codecs)
  }
}

function generation(
  call: TextCall,
  request: Extract<TextCall['work'], { kind: 'generate' }>['request'],
  row: ProviderRow,
  codecs: TextCodecs,
  maxHeldBytes: number,
): Prepared {
  const dialect = codecs.generation(row)
  const operation = call.stream && row.paths.chatStream !== undefined ? 'chatStream' : 'chat'
  if (dialect === undefined || row.paths[operation] === undefined) throw notOffered('generation', row)
  // The usage is always asked for; whether the client sees it is its surface's matter.
  const asked = { ...request, stream: call.stream, ...(call.stream ? { includeUsage: true } : {}) }
  const body = dialect.writeRequest(asked, call.modelName)
  return {
    operation,
    body: jsonBytes(body),
    isStream: call.stream,
    reading: (sink) =>
      call.stream
        ? new StreamReading(dialect, sink, maxHeldBytes)
        : new WholeReading(sink, (bytes) => {
            const answer = dialect.readAnswer(parsed(bytes))
            return { answer: withoutCost(answer), found: foundIn(answer) }
          }),
    readError: (status, bytes) => dialect.readError(status, bytes),
  }
}

function relay(
  call: TextCall,
  name: DialectName,
  body: Buffer,
  row: ProviderRow,
  codecs: TextCodecs,
  maxHeldBytes: number,
): Prepared {
  const codec = codecs.relay(name)
  const operation = row.relays[name]
  if (codec === undefined || operation === undefined) throw notOffered(`relay of ${name}`, row)
  return {
    operation,
    body,
    isStream: call.stream,
    reading: (sink) =>
      call.stream
        ? new RelayReading(codec, call.hideUsage, sink, maxHeldBytes)
        : new WholeReading(sink, (bytes) => ({ answer: bytes, found: codec.readWhole(bytes) })),
    readError: (status, bytes) => codec.readError(status, bytes),
  }
}

function whole<Request, Answer extends Parameters<TextSink['answer']>[0]>(
  operation: Operation,
  codec: WholeCodec<Request, Answer> | undefined,
  request: Request,
  { modelName }: TextCall,
  row: ProviderRow,
  codecs: TextCodecs,
): Prepared {
  if (codec === undefined || row.paths[operation] === undefined) throw notOffered(operation, row)
  const dialect = codecs.generation(row)
  return {
    operation,
    body: jsonBytes(codec.writeRequest(request, modelName)),
    isStream: false,
    reading: (sink) =>
      new WholeReading(sink, (bytes) => {
        const answer = codec.readAnswer(parsed(bytes), request)
        return { answer: withoutCost(answer), found: foundOf(answer) }
      }),
    readError: (status, bytes) => readPlainError(dialect, status, bytes),
  }
}

function foundOf(answer: unknown): Found {
  return foundIn(answer as Parameters<typeof foundIn>[0])
}

/** Errors of these paths look as those of generation do; where that dialect is not at hand, the status has to do. */
function readPlainError(dialect: ProviderDialect | undefined, status: number, body: Buffer): UpstreamProblem {
  return (
    dialect?.readError(status, body) ?? {
      class: classOfStatus(status),
      status,
      detail: `it answered ${status}`,
      code: undefined,
    }
  )
}

const AS_IT_IS: WholeCodec<JsonObject, JsonObject> = {
  writeRequest: (body, modelName) => ({ ...body, model: modelName }),
  readAnswer: (body) => body as JsonObject,
}

function jsonBytes(body: JsonObject): Buffer {
  return Buffer.from(JSON.stringify(body))
}

function notOffered(what: string, { dialect }: ProviderRow): UnsupportedFeature {
  return new UnsupportedFeature(what, dialect, `this provider does not offer ${what}`)
}
