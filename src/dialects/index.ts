export { anthropicProvider, anthropicSurface, anthropicTokenCount } from './anthropic/anthropic.ts'
export { converseProvider } from './bedrock/bedrock.ts'
export { cohereProvider } from './cohere/cohere.ts'
export { AnswerCollector, collect } from './collect.ts'
export type {
  AnswerContext,
  DialectName,
  JsonObject,
  PlainSurface,
  ProblemClass,
  ProviderDialect,
  RequestGlance,
  StreamReader,
  StreamWriter,
  SurfaceDialect,
  UpstreamProblem,
} from './dialect.ts'
export { UnsupportedFeature, UpstreamBroken } from './dialect.ts'
export { geminiProvider } from './google/google.ts'
export { type FieldEdits, spliceFields } from './json/splice.ts'
export { mergeUsage } from './merge-usage.ts'
export { chatProvider, chatSurface } from './openai/chat.ts'
export { type ChatQuirks, chatQuirks } from './openai/chat-quirks.ts'
export { completionsProvider, completionsSurface } from './openai/completions.ts'
export { embeddingsProvider, embeddingsSurface } from './openai/embeddings.ts'
export { moderationsProvider, moderationsSurface } from './openai/moderations.ts'
export { rerankProvider, rerankSurface } from './openai/rerank.ts'
export { readUsage as readChatUsage, writeUsage as writeChatUsage } from './openai/usage.ts'
export { classOfStatus } from './problem.ts'
export { type DialectRelay, dialectRelay } from './relay/relay-codec.ts'
export { responsesProvider, responsesSurface } from './responses/responses.ts'
export { slipwayProvider, slipwaySurface } from './slipway/slipway.ts'
export { EventSplitter, SseLimitExceeded } from './sse/event-splitter.ts'
export { parseEvent, type SseEvent, SseReader } from './sse/sse-reader.ts'
export { sseComment, sseEvent } from './sse/sse-writer.ts'
export { withoutFeature } from './without-feature.ts'
