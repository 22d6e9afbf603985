export { anthropicProvider, anthropicSurface, anthropicTokenCount } from './anthropic/anthropic.ts'
export { converseProvider } from './bedrock/bedrock.ts'
export { converseTokenCount } from './bedrock/count-tokens.ts'
export { bedrockEmbeddings, bedrockRerank } from './bedrock/embeddings.ts'
export { anthropicOnBedrock } from './bedrock/invoke.ts'
export { cohereProvider } from './cohere/cohere.ts'
export { cohereEmbeddings } from './cohere/embeddings.ts'
export { cohereRerank } from './cohere/rerank.ts'
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
export { anthropicOnVertex, anthropicTokenCountOnVertex } from './google/claude.ts'
export { geminiTokenCount, vertexTokenCount } from './google/count-tokens.ts'
export { geminiEmbeddings, vertexEmbeddings } from './google/embeddings.ts'
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
export { tgiProvider } from './tgi/tgi.ts'
export { withoutFeature } from './without-feature.ts'
