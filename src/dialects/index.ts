export { AnswerCollector, collect } from './collect.ts'
export type {
  AnswerContext,
  DialectName,
  JsonObject,
  PlainProvider,
  PlainSurface,
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
export { chatProvider, chatSurface } from './openai/chat.ts'
export { type ChatQuirks, chatQuirks } from './openai/chat-quirks.ts'
export { boundedDetail, brokenProblem, classOfStatus, failedEvent } from './problem.ts'
export { EventSplitter, SSE_LIMITS, SseLimitExceeded, type SseLimits } from './sse/event-splitter.ts'
export { parseEvent, type SseEvent, SseReader } from './sse/sse-reader.ts'
export { eventObject, type StreamInterpreter, sseStreamReader } from './sse/sse-stream.ts'
export { sseComment, sseEvent } from './sse/sse-writer.ts'
export { withoutFeature } from './without-feature.ts'
export { anthropicProvider, anthropicSurface, anthropicTokenCount } from './anthropic/anthropic.ts'
export { responsesProvider, responsesSurface } from './responses/responses.ts'
export { slipwayProvider, slipwaySurface } from './slipway/slipway.ts'
