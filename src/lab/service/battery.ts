import type { JsonObject } from '../../dialects/index.ts'

/** What a probe's answer is held against, beside its form. */
export type Expectation =
  | { readonly kind: 'form' }
  | { readonly kind: 'tools'; readonly names: readonly string[] }
  | { readonly kind: 'json'; readonly required: readonly string[] }
  | { readonly kind: 'stop'; readonly word: string }
  | { readonly kind: 'limit'; readonly tokens: number }
  | { readonly kind: 'repeats' }
  | { readonly kind: 'refusal' }

export interface ProbeSpec {
  readonly id: string
  /** Whom a difference here hurts, after "clients that". */
  readonly usedBy: string
  /** A request of chat completions (OpenAI API reference), without its model. */
  readonly body: JsonObject
  readonly expects: Expectation
}

const ask = (content: string, more: JsonObject = {}): JsonObject => ({
  messages: [{ role: 'user', content }],
  max_tokens: 64,
  temperature: 0,
  ...more,
})

const tool = (name: string, argument: string): JsonObject => ({
  type: 'function',
  function: {
    name,
    description: `Looks up the ${name} of a ${argument}.`,
    parameters: {
      type: 'object',
      properties: { [argument]: { type: 'string' } },
      required: [argument],
      additionalProperties: false,
    },
  },
})

const colour: JsonObject = {
  type: 'object',
  properties: { name: { type: 'string' }, red: { type: 'integer' } },
  required: ['name', 'red'],
  additionalProperties: false,
}

/** Small on purpose: each request costs at most 64 tokens of answer, and the longest prompt is about 3,000. */
export const battery: readonly ProbeSpec[] = [
  { id: 'plain', usedBy: 'ask for one answer', body: ask('Say hello.'), expects: { kind: 'form' } },
  {
    id: 'stream',
    usedBy: 'read streams',
    body: ask('Say hello.', { stream: true, stream_options: { include_usage: true } }),
    expects: { kind: 'form' },
  },
  {
    id: 'tools',
    usedBy: 'call tools',
    body: ask('What is the weather in Oslo?', { tools: [tool('weather', 'city')], tool_choice: 'required' }),
    expects: { kind: 'tools', names: ['weather'] },
  },
  {
    id: 'tools-stream',
    usedBy: 'call tools in streams',
    body: ask('What is the weather in Oslo?', {
      tools: [tool('weather', 'city')],
      tool_choice: 'required',
      stream: true,
    }),
    expects: { kind: 'tools', names: ['weather'] },
  },
  {
    id: 'parallel-tools',
    usedBy: 'call several tools at once',
    body: ask('What are the weather and the time in Oslo? Call both tools at once.', {
      tools: [tool('weather', 'city'), tool('time', 'city')],
      tool_choice: 'required',
      parallel_tool_calls: true,
      max_tokens: 128,
    }),
    expects: { kind: 'tools', names: ['weather', 'time'] },
  },
  {
    id: 'json-schema',
    usedBy: 'ask for JSON of a schema',
    body: ask('Describe the colour orange.', {
      response_format: { type: 'json_schema', json_schema: { name: 'colour', strict: true, schema: colour } },
    }),
    expects: { kind: 'json', required: ['name', 'red'] },
  },
  {
    id: 'stop',
    usedBy: 'set stop words',
    body: ask('Repeat exactly: one two STOP three', { stop: ['STOP'] }),
    expects: { kind: 'stop', word: 'STOP' },
  },
  {
    id: 'logprobs',
    usedBy: 'read log probabilities',
    body: ask('Say hello.', { logprobs: true, top_logprobs: 2, max_tokens: 4 }),
    expects: { kind: 'form' },
  },
  {
    id: 'seed',
    usedBy: 'set a seed',
    body: ask('Name a random animal.', { seed: 7, temperature: 1, max_tokens: 8 }),
    expects: { kind: 'repeats' },
  },
  {
    id: 'limit',
    usedBy: 'limit the answer',
    body: ask('Count from one to a hundred in words.', { max_tokens: 5 }),
    expects: { kind: 'limit', tokens: 5 },
  },
  {
    id: 'long-input',
    usedBy: 'send long prompts',
    body: ask(`${'time year people way day '.repeat(600)}\nSay hello.`, { max_tokens: 4 }),
    expects: { kind: 'form' },
  },
  {
    id: 'invalid-input',
    usedBy: 'handle refusals',
    body: { messages: 'not a list', max_tokens: 4 },
    expects: { kind: 'refusal' },
  },
  {
    id: 'unknown-field',
    usedBy: 'send fields of their own',
    body: ask('Say hello.', { slipway_probe_field: 1, max_tokens: 4 }),
    expects: { kind: 'form' },
  },
  {
    id: 'impossible-limit',
    usedBy: 'handle refusals of a limit',
    body: ask('Say hello.', { max_tokens: -1 }),
    expects: { kind: 'refusal' },
  },
]
