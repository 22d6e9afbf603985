import { z } from 'zod'
import { versionLabel } from './names.ts'
import { tokenUsage } from './usage.ts'

/**
 * The neutral form of text generation: what every dialect (OpenAI, Anthropic, Bedrock, …) is read into and written
 * from, and at the same time the body, answer and events of `POST /api/v1/models/{model}/generate`.
 *
 * A field that is left out was not asked for; nothing has a default here, so that what a client did not say is not said
 * upstream either.
 */

/** Bytes by place or by value. URLs are handed on, never fetched by a gateway on a client's word. */
export const mediaSource = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('url'), url: z.string().max(8192) }),
  z.strictObject({ kind: z.literal('base64'), mediaType: z.string().max(200), data: z.string() }),
  z.strictObject({ kind: z.literal('file'), fileId: z.string().max(200) }),
])
export type MediaSource = z.infer<typeof mediaSource>

/** A prompt-cache mark after this part (Anthropic `cache_control`, Bedrock `cachePoint`). */
export const cacheMark = z.strictObject({ ttl: z.enum(['5m', '1h']).optional() })

const cached = { cache: cacheMark.optional() }

export const textPart = z.strictObject({
  type: z.literal('text'),
  text: z.string(),
  /** Citations and annotations as the provider gave them; they only survive within a dialect. */
  annotations: z.array(z.unknown()).optional(),
  ...cached,
})
export const imagePart = z.strictObject({
  type: z.literal('image'),
  source: mediaSource,
  detail: z.enum(['low', 'high', 'auto']).optional(),
  ...cached,
})
export const audioPart = z.strictObject({
  type: z.literal('audio'),
  source: mediaSource,
  format: z.string().max(20).optional(),
  /** What was said, where a model answered with sound. */
  transcript: z.string().optional(),
})
export const filePart = z.strictObject({
  type: z.literal('file'),
  source: mediaSource,
  filename: z.string().max(500).optional(),
  ...cached,
})
/** Thinking that a model shows. `signature` and `redacted` must come back unchanged in the next turn. */
export const reasoningPart = z.strictObject({
  type: z.literal('reasoning'),
  text: z.string().optional(),
  summary: z.array(z.string()).optional(),
  signature: z.string().optional(),
  redacted: z.string().optional(),
  id: z.string().optional(),
})
export const refusalPart = z.strictObject({ type: z.literal('refusal'), text: z.string() })
export const toolCallPart = z.strictObject({
  type: z.literal('tool-call'),
  id: z.string().max(200),
  name: z.string().max(200),
  /** JSON text, as the model wrote it: it may be broken, and must reach the client as it is. */
  arguments: z.string(),
  ...cached,
})
export const toolResultPart = z.strictObject({
  type: z.literal('tool-result'),
  callId: z.string().max(200),
  content: z.array(z.discriminatedUnion('type', [textPart, imagePart, filePart])),
  isError: z.boolean().optional(),
  ...cached,
})

export const part = z.discriminatedUnion('type', [
  textPart,
  imagePart,
  audioPart,
  filePart,
  reasoningPart,
  refusalPart,
  toolCallPart,
  toolResultPart,
])
export type Part = z.infer<typeof part>

export const messageRole = z.enum(['system', 'developer', 'user', 'assistant', 'tool'])
export type MessageRole = z.infer<typeof messageRole>

export const message = z.strictObject({
  role: messageRole,
  content: z.array(part),
  name: z.string().max(200).optional(),
})
export type Message = z.infer<typeof message>

export const tool = z.strictObject({
  name: z.string().min(1).max(200),
  description: z.string().optional(),
  /** JSON Schema of the arguments. */
  parameters: z.record(z.string(), z.unknown()).optional(),
  strict: z.boolean().optional(),
  ...cached,
})
export type Tool = z.infer<typeof tool>

export const toolChoice = z.union([
  z.enum(['auto', 'none', 'required']),
  z.strictObject({ name: z.string().max(200) }),
])
export type ToolChoice = z.infer<typeof toolChoice>

export const outputFormat = z.discriminatedUnion('format', [
  z.strictObject({ format: z.literal('text') }),
  z.strictObject({ format: z.literal('json') }),
  z.strictObject({
    format: z.literal('schema'),
    name: z.string().max(200).optional(),
    description: z.string().optional(),
    schema: z.record(z.string(), z.unknown()),
    strict: z.boolean().optional(),
  }),
])
export type OutputFormat = z.infer<typeof outputFormat>

export const reasoningWish = z.strictObject({
  effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).optional(),
  budgetTokens: z.number().int().min(0).optional(),
  /** Whether the thinking is shown, and how. */
  summary: z.enum(['none', 'auto', 'concise', 'detailed']).optional(),
})
export type ReasoningWish = z.infer<typeof reasoningWish>

/** How tokens are drawn; part of a version as its defaults, and of a request. */
export const sampling = z.strictObject({
  maxOutputTokens: z.number().int().positive().optional(),
  temperature: z.number().min(0).max(5).optional(),
  topP: z.number().min(0).max(1).optional(),
  topK: z.number().int().min(0).optional(),
  minP: z.number().min(0).max(1).optional(),
  frequencyPenalty: z.number().min(-2).max(2).optional(),
  presencePenalty: z.number().min(-2).max(2).optional(),
  repetitionPenalty: z.number().positive().max(10).optional(),
  seed: z.number().int().optional(),
  stop: z.array(z.string().min(1)).max(16).optional(),
  /** Token id → bias. */
  logitBias: z.record(z.string(), z.number()).optional(),
})
export type Sampling = z.infer<typeof sampling>

export const generateRequest = z.strictObject({
  messages: z.array(message).min(1),
  tools: z.array(tool).max(1024).optional(),
  toolChoice: toolChoice.optional(),
  parallelToolCalls: z.boolean().optional(),
  output: outputFormat.optional(),
  ...sampling.shape,
  /** How many answers to the same question (`n`). */
  choices: z.number().int().min(1).max(128).optional(),
  /** Log-probabilities of the chosen tokens, and of so many alternatives. */
  logprobs: z.strictObject({ top: z.number().int().min(0).max(20) }).optional(),
  reasoning: reasoningWish.optional(),
  serviceTier: z.string().max(50).optional(),
  /** The unit of assignment, where the header `x-slipway-unit` is not sent; goes upstream as the end user's id. */
  user: z.string().max(256).optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  stream: z.boolean().optional(),
  /** The client asked to be told the usage at the end of its stream. */
  includeUsage: z.boolean().optional(),
  /**
   * Fields of the dialect it came in that have no neutral meaning, by their name there. They go unchanged to a provider
   * that speaks the same dialect; anywhere else they are refused by name, unless `params.drop` lists them.
   */
  extras: z.record(z.string(), z.unknown()).optional(),
  params: z
    .strictObject({
      version: versionLabel.optional(),
      /** Fields, by their name in the dialect sent, that may be left out where the provider does not have them. */
      drop: z.array(z.string().max(100)).max(50).optional(),
    })
    .optional(),
})
export type GenerateRequest = z.infer<typeof generateRequest>

export const finishReason = z.enum([
  'stop',
  'length',
  'tool-calls',
  'content-filter',
  'refusal',
  'pause',
  'other',
])
export type FinishReason = z.infer<typeof finishReason>

export const tokenLogprob = z.object({
  token: z.string(),
  logprob: z.number(),
  bytes: z.array(z.number().int()).nullable().optional(),
  top: z
    .array(
      z.object({
        token: z.string(),
        logprob: z.number(),
        bytes: z.array(z.number().int()).nullable().optional(),
      }),
    )
    .optional(),
})
export type TokenLogprob = z.infer<typeof tokenLogprob>

export const choice = z.object({
  index: z.number().int(),
  content: z.array(part),
  finishReason,
  /** The provider's own word for it, where it says more. */
  rawFinishReason: z.string().optional(),
  /** Which of the stop texts was met. */
  stopText: z.string().optional(),
  logprobs: z.array(tokenLogprob).optional(),
})
export type Choice = z.infer<typeof choice>

export const generateAnswer = z.object({
  id: z.string(),
  /** The model as the provider names it. */
  providerModel: z.string().optional(),
  createdAt: z.number(),
  choices: z.array(choice),
  usage: tokenUsage,
  systemFingerprint: z.string().optional(),
  serviceTier: z.string().optional(),
  /** Decimal dollars, where the provider named the sum; of our own bill, and told to nobody who asks. */
  reportedCostUsd: z.string().optional(),
  extras: z.record(z.string(), z.unknown()).optional(),
})
export type GenerateAnswer = z.infer<typeof generateAnswer>

const at = { choice: z.number().int() }

/**
 * One event of a stream. The order in a choice is free but for: `started` first, `finished` after the choice's last
 * content, and exactly one of `ended` and `failed` last. `usage` is cumulative and may come more than once, at any time.
 */
export const generateEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('started'),
    id: z.string(),
    providerModel: z.string().optional(),
    systemFingerprint: z.string().optional(),
    serviceTier: z.string().optional(),
  }),
  z.object({
    type: z.literal('text'),
    ...at,
    text: z.string(),
    logprobs: z.array(tokenLogprob).optional(),
  }),
  z.object({
    type: z.literal('reasoning'),
    ...at,
    text: z.string().optional(),
    signature: z.string().optional(),
    redacted: z.string().optional(),
  }),
  z.object({ type: z.literal('refusal'), ...at, text: z.string() }),
  z.object({ type: z.literal('annotation'), ...at, annotation: z.unknown() }),
  z.object({
    type: z.literal('tool-call-started'),
    ...at,
    /** Which of the choice's calls, from 0. */
    call: z.number().int(),
    id: z.string(),
    name: z.string(),
  }),
  z.object({ type: z.literal('tool-call-arguments'), ...at, call: z.number().int(), text: z.string() }),
  z.object({
    type: z.literal('finished'),
    ...at,
    reason: finishReason,
    raw: z.string().optional(),
    stopText: z.string().optional(),
  }),
  z.object({
    type: z.literal('usage'),
    usage: tokenUsage,
    /** Where it is only known now, or is another than at the start. */
    serviceTier: z.string().optional(),
    /** As in an answer. */
    reportedCostUsd: z.string().optional(),
  }),
  z.object({
    type: z.literal('failed'),
    /** `upstream_truncated`, `upstream_failed`, `deadline_exceeded`, `guardrail_blocked`, … */
    code: z.string(),
    detail: z.string(),
    status: z.number().int(),
    requestId: z.string().optional(),
  }),
  z.object({ type: z.literal('ended') }),
])
export type GenerateEvent = z.infer<typeof generateEvent>

export const embedRequest = z.strictObject({
  /** Texts, or texts as token ids of the model's own tokenizer. */
  inputs: z.union([z.array(z.string()), z.array(z.array(z.number().int()))]),
  dimensions: z.number().int().positive().optional(),
  encoding: z.enum(['float', 'base64']).optional(),
  /** Cohere and Gemini tell a question from a document. */
  purpose: z.string().max(50).optional(),
  user: z.string().max(256).optional(),
  extras: z.record(z.string(), z.unknown()).optional(),
  params: z
    .strictObject({ version: versionLabel.optional(), drop: z.array(z.string().max(100)).max(50).optional() })
    .optional(),
})
export type EmbedRequest = z.infer<typeof embedRequest>

export const embedAnswer = z.object({
  providerModel: z.string().optional(),
  /** In the order of the inputs; little-endian float32 as base64 where that was asked for. */
  vectors: z.array(z.union([z.array(z.number()), z.string()])),
  usage: tokenUsage,
  /** As in `generateAnswer`. */
  reportedCostUsd: z.string().optional(),
  extras: z.record(z.string(), z.unknown()).optional(),
})
export type EmbedAnswer = z.infer<typeof embedAnswer>

export const rerankRequest = z.strictObject({
  query: z.string(),
  documents: z.array(z.string()).min(1).max(10_000),
  top: z.number().int().positive().optional(),
  withDocuments: z.boolean().optional(),
  extras: z.record(z.string(), z.unknown()).optional(),
})
export type RerankRequest = z.infer<typeof rerankRequest>

export const rerankAnswer = z.object({
  providerModel: z.string().optional(),
  /** Best first; `index` is the place in the request. */
  results: z.array(z.object({ index: z.number().int(), score: z.number(), document: z.string().optional() })),
  usage: tokenUsage,
})
export type RerankAnswer = z.infer<typeof rerankAnswer>
