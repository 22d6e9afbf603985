export { connectLink, type LinkClientOptions } from './client.ts'
export { DeadlineWatch } from './deadline-watch.ts'
export { LinkProtocolError } from './frame.ts'
export type {
  LinkAsk,
  LinkClient,
  LinkErrorCode,
  LinkExchange,
  LinkHello,
  LinkOutcome,
  LinkRequest,
  LinkServer,
  LinkSpent,
  LinkState,
  LinkStream,
  LinkStreamExchange,
  LinkStreamFailure,
  LinkStreamOutcome,
  LinkStreamSink,
} from './link.ts'
export { BatchMemory } from './rows/batch-memory.ts'
export { compileRows, type RowCodec } from './rows/codec.ts'
export type { Tensor, TensorBatch } from './rows/tensor.ts'
export { createLinkServer, type LinkServerOptions } from './server.ts'
export {
  type AskedText,
  readAnswer,
  readAsk,
  readEvents,
  type TextAnswer,
  type TextAsk,
  type TextEnd,
} from './text/wire.ts'
