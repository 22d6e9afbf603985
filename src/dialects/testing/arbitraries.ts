import fc from 'fast-check'
import {
  type Choice,
  type FinishReason,
  type GenerateAnswer,
  type GenerateEvent,
  type GenerateRequest,
  type Message,
  NO_USAGE,
  type Part,
  type TokenLogprob,
  type TokenUsage,
} from '../../contracts/index.ts'
import { type AnswerFeature, allRequestFeatures, type RequestFeature, requestFeatures } from './features.ts'

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 24 })
const word = fc.stringMatching(/^[a-zA-Z][\w-]{0,11}$/)
const json = fc.json({ maxDepth: 2 })

/**
 * Requests of the neutral form that ask nothing but these features: some of the sample of each, together, in front of a
 * conversation of any length.
 *
 * @param isOnePrompt the dialect knows no conversation: there is one message of the user.
 */
export function anyRequest(
  features: readonly RequestFeature[],
  isOnePrompt = false,
): fc.Arbitrary<GenerateRequest> {
  const said = allRequestFeatures.filter((feature) => features.includes(feature))
  const has = (feature: RequestFeature) => features.includes(feature)
  return fc
    .record({
      asked: fc.subarray([...said]),
      before: has('system') ? fc.option(text, { nil: undefined }) : fc.constant(undefined),
      turns: fc.array(turn(has), { maxLength: isOnePrompt ? 0 : 4 }),
      last: text,
    })
    .map(({ asked, before, last, turns }) => {
      const request: GenerateRequest = { messages: [] }
      const messages: Message[] = []
      for (const feature of asked) {
        const { messages: these, ...fields }: GenerateRequest = requestFeatures[feature]
        Object.assign(request, fields)
        // A sample that is about a field has the plainest message.
        if (Object.keys(fields).length === 0 || feature.startsWith('tool')) messages.push(...these)
      }
      const opening = messages.filter(({ role }) => role === 'system' || role === 'developer')
      const rest = messages.filter(({ role }) => role !== 'system' && role !== 'developer')
      request.messages = [
        ...(before === undefined || opening.length > 0 ? opening : [says('system', before)]),
        ...rest,
        ...turns.flat(),
        says('user', last),
      ]
      return request
    })
}

function turn(has: (feature: RequestFeature) => boolean): fc.Arbitrary<Message[]> {
  const plain = fc.tuple(text, text).map(([asks, tells]) => [says('user', asks), says('assistant', tells)])
  if (!has('toolCalls')) return plain
  const calls = fc
    .record({
      asks: text,
      tells: fc.option(text, { nil: undefined }),
      calls: fc.uniqueArray(fc.record({ id: word, name: word, arguments: json, result: text }), {
        minLength: 1,
        maxLength: 3,
        selector: ({ id }) => id,
      }),
    })
    .map(({ asks, calls, tells }): Message[] => [
      says('user', asks),
      {
        role: 'assistant',
        content: [
          ...(tells === undefined ? [] : [{ type: 'text', text: tells } as const]),
          ...calls.map(({ arguments: words, id, name }) => ({
            type: 'tool-call' as const,
            id,
            name,
            arguments: words,
          })),
        ],
      },
      ...calls.map(
        ({ id, result }): Message => ({
          role: 'tool',
          content: [{ type: 'tool-result', callId: id, content: [{ type: 'text', text: result }] }],
        }),
      ),
    ])
  return fc.oneof(plain, calls)
}

function says(role: Message['role'], words: string): Message {
  return { role, content: [{ type: 'text', text: words }] }
}

/** Answers that tell nothing but these features, and end for these reasons (calls of tools end as such). */
export function anyAnswer(
  features: readonly AnswerFeature[],
  reasons: readonly FinishReason[],
): fc.Arbitrary<GenerateAnswer> {
  const has = (feature: AnswerFeature) => features.includes(feature)
  const plainReasons = reasons.filter((reason) => reason !== 'tool-calls')
  return fc
    .record({
      id: word,
      model: word,
      seconds: fc.integer({ min: 1, max: 2_000_000_000 }),
      choices: fc.array(
        fc.record({
          content: anyContent(has),
          reason: fc.constantFrom(...plainReasons),
          logprobs: has('logprobs')
            ? fc.array(anyLogprob, { maxLength: 3 })
            : fc.constant<TokenLogprob[]>([]),
        }),
        { minLength: 1, maxLength: has('choices') ? 3 : 1 },
      ),
      usage: anyUsage(features),
    })
    .map(({ choices, id, model, seconds, usage }) => ({
      id,
      ...(has('providerModel') ? { providerModel: model } : {}),
      createdAt: seconds * 1000,
      choices: choices.map(({ content, logprobs, reason }, index): Choice => {
        const calls = content.some(({ type }) => type === 'tool-call')
        const hasText = content.some(({ type }) => type === 'text')
        return {
          index,
          content,
          finishReason: calls ? 'tool-calls' : reason,
          ...(logprobs.length === 0 || !hasText ? {} : { logprobs }),
        }
      }),
      usage,
    }))
}

const anyLogprob: fc.Arbitrary<TokenLogprob> = fc.record({
  token: text,
  logprob: fc.double({ min: -20, max: 0, noNaN: true }).map((value) => value + 0),
  bytes: fc.constant(null),
  top: fc.array(
    fc.record({ token: text, logprob: fc.integer({ min: -9, max: -1 }), bytes: fc.constant([104, 105]) }),
    { maxLength: 2 },
  ),
})

function anyContent(has: (feature: AnswerFeature) => boolean): fc.Arbitrary<Part[]> {
  const none = fc.constant<Part[]>([])
  const words = text.map((one): Part[] => [{ type: 'text', text: one }])
  const refuses = text.map((one): Part[] => [{ type: 'refusal', text: one }])
  const thinks = fc
    .tuple(text, word)
    .map(([one, signature]): Part[] => [
      { type: 'reasoning', text: one, ...(has('reasoning.signature') ? { signature } : {}) },
    ])
  const calls = fc.uniqueArray(
    fc.record({ id: word, name: word, words: json }).map(
      ({ id, name, words: args }): Extract<Part, { type: 'tool-call' }> => ({
        type: 'tool-call',
        id,
        name,
        arguments: args,
      }),
    ),
    { minLength: 1, maxLength: 3, selector: ({ id }) => id },
  )
  const thought = has('reasoning') ? fc.oneof(none, thinks) : none
  const called = has('tool-calls') ? fc.oneof(none, calls) : none
  const spoken = fc.tuple(thought, words, called).map((parts) => parts.flat())
  const silent = fc.tuple(thought, calls).map((parts) => parts.flat())
  return fc.oneof(spoken, ...(has('tool-calls') ? [silent] : []), ...(has('refusal') ? [refuses] : []))
}

function anyUsage(features: readonly AnswerFeature[]): fc.Arbitrary<TokenUsage> {
  const has = (feature: AnswerFeature) => features.includes(feature)
  const count = fc.nat({ max: 100_000 })
  const counted = (feature: AnswerFeature) => (has(feature) ? fc.option(count) : fc.constant(null))
  const usage = fc
    .record({
      input: count,
      cacheRead: counted('usage.cacheRead'),
      cacheWrite: counted('usage.cacheWrite'),
      cacheWriteHour: counted('usage.cacheWriteHour'),
      output: count,
      reasoning: counted('usage.reasoning'),
      inputAudio: counted('usage.audio'),
      outputAudio: counted('usage.audio'),
    })
    .map((one) => ({
      ...NO_USAGE,
      ...one,
      input: one.input + (one.inputAudio ?? 0),
      output: one.output + (one.reasoning ?? 0) + (one.outputAudio ?? 0),
    }))
  return has('usage.none') ? fc.oneof({ weight: 9, arbitrary: usage }, fc.constant(NO_USAGE)) : usage
}

/** The events of an answer, its texts cut anywhere, in the order in which providers send them. */
export function eventsOf(answer: GenerateAnswer, pieceLength: number): GenerateEvent[] {
  const events: GenerateEvent[] = [
    {
      type: 'started',
      id: answer.id,
      ...(answer.providerModel === undefined ? {} : { providerModel: answer.providerModel }),
    },
  ]
  for (const choice of answer.choices) events.push(...eventsOfChoice(choice, pieceLength))
  if (answer.usage !== NO_USAGE) events.push({ type: 'usage', usage: answer.usage })
  events.push({ type: 'ended' })
  return events
}

function eventsOfChoice(
  { content, finishReason, index, logprobs }: Choice,
  pieceLength: number,
): GenerateEvent[] {
  const events: GenerateEvent[] = []
  let call = 0
  for (const part of content) {
    if (part.type === 'text') {
      const [first = '', ...rest] = pieces(part.text, pieceLength)
      events.push({
        type: 'text',
        choice: index,
        text: first,
        ...(logprobs === undefined ? {} : { logprobs }),
      })
      for (const piece of rest) events.push({ type: 'text', choice: index, text: piece })
    } else if (part.type === 'refusal')
      for (const piece of pieces(part.text, pieceLength))
        events.push({ type: 'refusal', choice: index, text: piece })
    else if (part.type === 'reasoning') {
      for (const piece of pieces(part.text ?? '', pieceLength))
        events.push({ type: 'reasoning', choice: index, text: piece })
      if (part.signature !== undefined)
        events.push({ type: 'reasoning', choice: index, signature: part.signature })
    } else if (part.type === 'tool-call') {
      events.push({ type: 'tool-call-started', choice: index, call, id: part.id, name: part.name })
      for (const piece of pieces(part.arguments, pieceLength))
        events.push({ type: 'tool-call-arguments', choice: index, call, text: piece })
      call++
    }
  }
  events.push({ type: 'finished', choice: index, reason: finishReason })
  return events
}

/** By code points: no event ends within one. */
function pieces(whole: string, length: number): string[] {
  const points = [...whole]
  const cut: string[] = []
  for (let at = 0; at < points.length; at += length) cut.push(points.slice(at, at + length).join(''))
  return cut
}

/** Where bytes are cut into chunks; the last takes what is left. */
export const anyCuts = fc.array(fc.nat({ max: 64 }), { maxLength: 200 })

export function chunksOf(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (const size of sizes) {
    if (at >= bytes.length) break
    chunks.push(Buffer.from(bytes.subarray(at, at + size)))
    at += size
  }
  chunks.push(Buffer.from(bytes.subarray(at)))
  return chunks
}
