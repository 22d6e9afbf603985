export { AnswerCollector, collect } from './collect.ts'
export type {
  AnswerContext,
  DialectName,
  JsonObject,
  ProblemClass,
  ProviderDialect,
  RequestGlance,
  StreamReader,
  StreamWriter,
  SurfaceDialect,
  SurfaceError,
  UpstreamProblem,
} from './dialect.ts'
export { UnsupportedFeature, UpstreamBroken } from './dialect.ts'
export { mergeUsage } from './merge-usage.ts'
export { boundedDetail, brokenProblem, classOfStatus, failedEvent } from './problem.ts'
export { EventSplitter, SSE_LIMITS, SseLimitExceeded, type SseLimits } from './sse/event-splitter.ts'
export { parseEvent, type SseEvent, SseReader } from './sse/sse-reader.ts'
export { eventObject, type StreamInterpreter, sseStreamReader } from './sse/sse-stream.ts'
export { sseComment, sseEvent } from './sse/sse-writer.ts'
