import type { GenerateRequest, Message, Part } from '../../contracts/index.ts'

const hello: Message = { role: 'user', content: [{ type: 'text', text: 'Hello' }] }
const tools = [{ name: 'weather', description: 'Of a place', parameters: { type: 'object' } }]
const call: Part = { type: 'tool-call', id: 'call_1', name: 'weather', arguments: '{"place":"Ulm"}' }

function asks(fields: Partial<GenerateRequest>): GenerateRequest {
  return { messages: [hello], ...fields }
}

function says(...content: Part[]): GenerateRequest {
  return { messages: [{ role: 'user', content }] }
}

function answered(...content: Part[]): GenerateRequest {
  return { messages: [hello, { role: 'assistant', content }, hello] }
}

function called(result: Omit<Extract<Part, { type: 'tool-result' }>, 'type' | 'callId'>): GenerateRequest {
  const messages: Message[] = [
    hello,
    { role: 'assistant', content: [call] },
    { role: 'tool', content: [{ type: 'tool-result', callId: 'call_1', ...result }] },
  ]
  return { messages, tools }
}

/**
 * What a request can ask, each with the smallest request that asks it. A dialect under test names those it can say; it
 * must write each of them, and refuse each of the others with `UnsupportedFeature`.
 */
export const requestFeatures = {
  developer: { messages: [{ role: 'developer', content: [{ type: 'text', text: 'Be brief' }] }, hello] },
  system: { messages: [{ role: 'system', content: [{ type: 'text', text: 'Be brief' }] }, hello] },
  name: { messages: [{ ...hello, name: 'ada' }] },
  'image.url': says({ type: 'image', source: { kind: 'url', url: 'https://example.org/a.png' } }),
  'image.base64': says({
    type: 'image',
    source: { kind: 'base64', mediaType: 'image/png', data: 'iVBORw==' },
  }),
  'image.file': says({ type: 'image', source: { kind: 'file', fileId: 'file-1' } }),
  'image.detail': says({
    type: 'image',
    source: { kind: 'url', url: 'https://example.org/a.png' },
    detail: 'low',
  }),
  audio: says({
    type: 'audio',
    source: { kind: 'base64', mediaType: 'audio/wav', data: 'UklGRg==' },
    format: 'wav',
  }),
  'file.base64': says({
    type: 'file',
    source: { kind: 'base64', mediaType: 'application/pdf', data: 'JVBERg==' },
    filename: 'a.pdf',
  }),
  'file.url': says({ type: 'file', source: { kind: 'url', url: 'https://example.org/a.pdf' } }),
  'file.file': says({ type: 'file', source: { kind: 'file', fileId: 'file-1' } }),
  reasoning: answered({ type: 'reasoning', text: 'Hm' }, { type: 'text', text: 'Yes' }),
  'reasoning.signature': answered(
    { type: 'reasoning', text: 'Hm', signature: 'c2ln' },
    { type: 'text', text: 'Yes' },
  ),
  'reasoning.redacted': answered({ type: 'reasoning', redacted: 'eA==' }, { type: 'text', text: 'Yes' }),
  refusal: answered({ type: 'refusal', text: 'No' }),
  toolCalls: called({ content: [{ type: 'text', text: 'Rain' }] }),
  'toolResult.isError': called({ content: [{ type: 'text', text: 'No such place' }], isError: true }),
  'toolResult.image': called({
    content: [{ type: 'image', source: { kind: 'base64', mediaType: 'image/png', data: 'iVBORw==' } }],
  }),
  cache: says({ type: 'text', text: 'Long', cache: {} }),
  'cache.ttl': says({ type: 'text', text: 'Long', cache: { ttl: '1h' } }),
  tools: asks({ tools }),
  'tools.strict': asks({ tools: tools.map((one) => ({ ...one, strict: true })) }),
  'toolChoice.auto': asks({ tools, toolChoice: 'auto' }),
  'toolChoice.none': asks({ tools, toolChoice: 'none' }),
  'toolChoice.required': asks({ tools, toolChoice: 'required' }),
  'toolChoice.name': asks({ tools, toolChoice: { name: 'weather' } }),
  parallelToolCalls: asks({ tools, parallelToolCalls: false }),
  'output.text': asks({ output: { format: 'text' } }),
  'output.json': asks({ output: { format: 'json' } }),
  'output.schema': asks({
    output: { format: 'schema', name: 'place', schema: { type: 'object' } },
  }),
  'output.strict': asks({
    output: { format: 'schema', name: 'place', schema: { type: 'object' }, strict: true },
  }),
  maxOutputTokens: asks({ maxOutputTokens: 100 }),
  temperature: asks({ temperature: 0.5 }),
  topP: asks({ topP: 0.9 }),
  topK: asks({ topK: 40 }),
  minP: asks({ minP: 0.1 }),
  frequencyPenalty: asks({ frequencyPenalty: 0.5 }),
  presencePenalty: asks({ presencePenalty: 0.5 }),
  repetitionPenalty: asks({ repetitionPenalty: 1.1 }),
  seed: asks({ seed: 7 }),
  stop: asks({ stop: ['END'] }),
  logitBias: asks({ logitBias: { '50256': -100 } }),
  choices: asks({ choices: 2 }),
  logprobs: asks({ logprobs: { top: 2 } }),
  'reasoning.effort': asks({ reasoning: { effort: 'low' } }),
  'reasoning.budgetTokens': asks({ reasoning: { budgetTokens: 2048 } }),
  'reasoning.summary': asks({ reasoning: { summary: 'auto' } }),
  serviceTier: asks({ serviceTier: 'flex' }),
  user: asks({ user: 'u-1' }),
  metadata: asks({ metadata: { team: 'a' } }),
} satisfies Record<string, GenerateRequest>

export type RequestFeature = keyof typeof requestFeatures

export const allRequestFeatures = Object.keys(requestFeatures) as RequestFeature[]

/**
 * What `UnsupportedFeature` may name for it: a key of its sample, or, where the sample has messages only, a place in
 * them. `reasoning` is both: parts of a message, and a wish.
 */
export function isNamedBy(feature: RequestFeature, named: string): boolean {
  const { messages: _, ...fields }: GenerateRequest = requestFeatures[feature]
  const isInMessages = /^messages\.\d+(\.|$)/.test(named)
  const keys = Object.keys(fields)
  if (isInMessages) return keys.length === 0 || feature.startsWith('tool')
  return keys.some((key) => named === key || named.startsWith(`${key}.`))
}

/** What an answer can tell. */
export type AnswerFeature =
  | 'reasoning'
  | 'reasoning.signature'
  | 'refusal'
  | 'tool-calls'
  | 'choices'
  | 'logprobs'
  | 'providerModel'
  | 'usage.cacheRead'
  | 'usage.cacheWrite'
  | 'usage.cacheWriteHour'
  | 'usage.reasoning'
  | 'usage.audio'
  /** That nothing is known of the usage. */
  | 'usage.none'
