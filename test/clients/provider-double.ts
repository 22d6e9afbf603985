import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { anthropicAnswers } from '../../src/dialects/anthropic/anthropic.fixtures.ts'
import { converseAnswers, say as frame } from '../../src/dialects/bedrock/bedrock.fixtures.ts'
import { cohereAnswers } from '../../src/dialects/cohere/cohere.fixtures.ts'
import { googleAnswers } from '../../src/dialects/google/google.fixtures.ts'
import { chatAnswers } from '../../src/dialects/openai/chat.fixtures.ts'
import type { AnswerFixture } from '../../src/dialects/testing/dialect.conformance.ts'

export interface SeenCall {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Record<string, unknown>
}

/** Real HTTP on loopback that answers as each kind of provider does, by the path that is asked. */
export interface ProviderDouble {
  readonly origin: string
  readonly calls: SeenCall[]
  close(): Promise<void>
}

export const TOKEN = 'ya29.a-token'

const EVENTS = 'text/event-stream'
const FRAMES = 'application/vnd.amazon.eventstream'
const [chat, anthropic, converse, google, cohere] = [
  chatAnswers,
  anthropicAnswers,
  converseAnswers,
  googleAnswers,
  cohereAnswers,
].map(([first]) => first as AnswerFixture) as [
  AnswerFixture,
  AnswerFixture,
  AnswerFixture,
  AnswerFixture,
  AnswerFixture,
]

/** One text of a model, whole and streamed, in the form of TGI's own API. */
const tgi = {
  whole: {
    generated_text: 'Hello',
    details: { finish_reason: 'eos_token', generated_tokens: 1, prefill: [], tokens: [] },
  },
  stream: `data:${JSON.stringify({
    token: { id: 1, text: 'Hello', logprob: -0.1, special: false },
    generated_text: 'Hello',
    details: { finish_reason: 'eos_token', generated_tokens: 1, input_length: 4 },
  })}\n\n`,
}

/** What stands at the end of a path, and what is answered there. */
const ANSWERS: readonly (readonly [RegExp, (body: Record<string, unknown>) => Answer])[] = [
  [/\/token$/, () => json({ access_token: TOKEN, expires_in: 3600, token_type: 'Bearer' })],
  [/\/chat\/completions(\?|$)/, ({ stream }) => either(chat, stream === true)],
  [/\/v1\/messages$/, ({ stream }) => either(anthropic, stream === true)],
  [/\/count_tokens$|\/count-tokens(:rawPredict)?$/, () => json({ input_tokens: 7, inputTokens: 7 })],
  [/:countTokens$/, () => json({ totalTokens: 7 })],
  [/:rawPredict$/, () => json(anthropic.whole)],
  [/:streamRawPredict$/, () => ({ type: EVENTS, body: anthropic.stream })],
  [/claude[^/]*\/invoke$/, () => json(anthropic.whole)],
  [/\/invoke-with-response-stream$/, () => ({ type: FRAMES, body: chunked(String(anthropic.stream)) })],
  [/\/converse$/, () => json(converse.whole)],
  [/\/converse-stream$/, () => ({ type: FRAMES, body: converse.stream })],
  [/:generateContent$/, () => json(google.whole)],
  [/:streamGenerateContent\?alt=sse$/, () => ({ type: EVENTS, body: google.stream })],
  [/\/v2\/chat$/, ({ stream }) => either(cohere, stream === true)],
  [/\/generate$/, () => json(tgi.whole)],
  [/\/generate_stream$/, () => ({ type: EVENTS, body: tgi.stream })],
  [
    /\/v2\/embed$/,
    () => json({ embeddings: { float: [[0.5, 1]] }, meta: { billed_units: { input_tokens: 2 } } }),
  ],
  [/:batchEmbedContents$/, () => json({ embeddings: [{ values: [0.5, 1] }] })],
  [
    /:predict$/,
    () => json({ predictions: [{ embeddings: { values: [0.5, 1], statistics: { token_count: 2 } } }] }),
  ],
  [/titan[^/]*\/invoke$/, () => json({ embedding: [0.5, 1], inputTextTokenCount: 2 })],
  [/\/embeddings(\?|$)/, () => json({ data: [{ index: 0, embedding: [0.5, 1] }] })],
  [/\/rerank$/, () => json({ results: [{ index: 0, relevance_score: 0.9 }] })],
]

interface Answer {
  readonly type: string
  readonly body: string | Buffer
}

export async function openProviderDouble(): Promise<ProviderDouble> {
  const calls: SeenCall[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const path = decodeURIComponent(request.url ?? '')
      const body = parsed(Buffer.concat(chunks).toString())
      if (!path.endsWith('/token')) calls.push({ path, headers: request.headers, body })
      const answer = ANSWERS.find(([pattern]) => pattern.test(path))?.[1](body)
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': answer?.type ?? 'text/plain' })
      response.end(answer?.body ?? 'no such path')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** Tokens are asked for by a form, all else is JSON. */
function parsed(text: string): Record<string, unknown> {
  return text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {}
}

function json(body: unknown): Answer {
  return { type: 'application/json', body: JSON.stringify(body) }
}

function either({ stream, whole }: AnswerFixture, isStream: boolean): Answer {
  return isStream ? { type: EVENTS, body: stream } : json(whole)
}

function chunked(stream: string): Buffer {
  const events = stream.split('\n\n').filter((event) => event.includes('data: '))
  return Buffer.concat(
    events.map((event) => {
      const data = event.slice(event.indexOf('data: ') + 6)
      return frame('chunk', { bytes: Buffer.from(data).toString('base64') })
    }),
  )
}
