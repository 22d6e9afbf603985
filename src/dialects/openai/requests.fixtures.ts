import type { GenerateRequest, Part } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'

const user = (content: unknown) => ({ role: 'user', content })
const hello = { model: 'm', messages: [user('Hello')] }
const text = (words: string): Extract<Part, { type: 'text' }> => ({ type: 'text', text: words })
const asks = (fields: Partial<GenerateRequest>): GenerateRequest => ({
  messages: [{ role: 'user', content: [text('Hello')] }],
  ...fields,
})
const call = {
  type: 'function',
  function: { name: 'weather', description: 'Of a place', parameters: { type: 'object' } },
}
const tool = { name: 'weather', description: 'Of a place', parameters: { type: 'object' } }

/** Bodies as clients send them. */
export const chatRequests: readonly (readonly [string, JsonObject, GenerateRequest])[] = [
  [
    'all plain fields',
    {
      ...hello,
      temperature: 0.5,
      top_p: 0.9,
      top_k: -1,
      min_p: 0.1,
      frequency_penalty: 0.1,
      presence_penalty: -0.1,
      repetition_penalty: 1.1,
      seed: 7,
      stop: 'END',
      n: 2,
      logit_bias: { '50256': -100 },
      logprobs: true,
      top_logprobs: 3,
      max_tokens: 10,
      reasoning_effort: 'minimal',
      service_tier: 'flex',
      user: 'u-1',
      metadata: { a: 'b' },
      parallel_tool_calls: false,
      stream: true,
      stream_options: { include_usage: true },
    },
    asks({
      temperature: 0.5,
      topP: 0.9,
      topK: 0,
      minP: 0.1,
      frequencyPenalty: 0.1,
      presencePenalty: -0.1,
      repetitionPenalty: 1.1,
      seed: 7,
      stop: ['END'],
      choices: 2,
      logitBias: { '50256': -100 },
      logprobs: { top: 3 },
      maxOutputTokens: 10,
      reasoning: { effort: 'minimal' },
      serviceTier: 'flex',
      user: 'u-1',
      metadata: { a: 'b' },
      parallelToolCalls: false,
      stream: true,
      includeUsage: true,
    }),
  ],
  [
    'nothing but null, which says nothing',
    {
      ...hello,
      temperature: null,
      stop: null,
      n: null,
      logprobs: null,
      max_tokens: null,
      tools: null,
      tool_choice: null,
      response_format: null,
      metadata: null,
      audio: null,
      stream: null,
      stream_options: null,
    },
    asks({}),
  ],
  ['max_completion_tokens', { ...hello, max_completion_tokens: 5 }, asks({ maxOutputTokens: 5 })],
  [
    'both names, one number',
    { ...hello, max_completion_tokens: 5, max_tokens: 5 },
    asks({ maxOutputTokens: 5 }),
  ],
  ['several stops', { ...hello, stop: ['A', 'B'] }, asks({ stop: ['A', 'B'] })],
  [
    'an effort that came later',
    { ...hello, reasoning_effort: 'max' },
    asks({ extras: { reasoning_effort: 'max' } }),
  ],
  [
    'tools',
    { ...hello, tools: [call], tool_choice: { type: 'function', function: { name: 'weather' } } },
    asks({ tools: [tool], toolChoice: { name: 'weather' } }),
  ],
  [
    'functions of the first form',
    {
      model: 'm',
      messages: [
        user('Hello'),
        { role: 'assistant', content: null, function_call: { name: 'weather', arguments: '{}' } },
        { role: 'function', name: 'weather', content: 'Rain' },
      ],
      functions: [call.function],
      function_call: 'auto',
    },
    {
      messages: [
        { role: 'user', content: [text('Hello')] },
        {
          role: 'assistant',
          content: [{ type: 'tool-call', id: 'function_call_1', name: 'weather', arguments: '{}' }],
        },
        {
          role: 'tool',
          content: [{ type: 'tool-result', callId: 'function_call_1', content: [text('Rain')] }],
        },
      ],
      tools: [tool],
      toolChoice: 'auto',
    },
  ],
  [
    'calls and their results, as answers are sent back',
    {
      model: 'm',
      messages: [
        { role: 'developer', content: 'Be brief', name: 'dev' },
        user('Hello'),
        {
          role: 'assistant',
          content: '',
          refusal: null,
          annotations: [],
          audio: null,
          function_call: null,
          reasoning_content: 'Hm',
          tool_calls: [
            { id: 'a', type: 'function', index: 0, function: { name: 'weather', arguments: '{' } },
          ],
        },
        { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'Rain' }] },
        { role: 'assistant', content: 'Rain', annotations: [{ type: 'url_citation' }] },
        { role: 'assistant', content: null, refusal: 'No' },
      ],
    },
    {
      messages: [
        { role: 'developer', name: 'dev', content: [text('Be brief')] },
        { role: 'user', content: [text('Hello')] },
        {
          role: 'assistant',
          content: [
            { type: 'reasoning', text: 'Hm' },
            { type: 'tool-call', id: 'a', name: 'weather', arguments: '{' },
          ],
        },
        { role: 'tool', content: [{ type: 'tool-result', callId: 'a', content: [text('Rain')] }] },
        {
          role: 'assistant',
          content: [{ type: 'text', text: 'Rain', annotations: [{ type: 'url_citation' }] }],
        },
        { role: 'assistant', content: [{ type: 'refusal', text: 'No' }] },
      ],
    },
  ],
  [
    'pictures, sound and files',
    {
      model: 'm',
      messages: [
        user([
          { type: 'text', text: 'See' },
          { type: 'image_url', image_url: { url: 'https://example.org/a.png', detail: 'high' } },
          {
            type: 'image_url',
            image_url: { url: 'data:image/png;charset=x;base64,iVBORw==', detail: 'original' },
          },
          { type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } },
          { type: 'file', file: { file_id: 'file-1' } },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' } },
        ]),
      ],
    },
    {
      messages: [
        {
          role: 'user',
          content: [
            text('See'),
            { type: 'image', source: { kind: 'url', url: 'https://example.org/a.png' }, detail: 'high' },
            { type: 'image', source: { kind: 'base64', mediaType: 'image/png', data: 'iVBORw==' } },
            {
              type: 'audio',
              source: { kind: 'base64', mediaType: 'audio/mpeg', data: 'AAAA' },
              format: 'mp3',
            },
            { type: 'file', source: { kind: 'file', fileId: 'file-1' } },
            {
              type: 'file',
              source: { kind: 'base64', mediaType: 'application/pdf', data: 'JVBERg==' },
              filename: 'a.pdf',
            },
          ],
        },
      ],
      extras: { 'chat.messages.-1.content.2.image_url.detail': 'original' },
    },
  ],
  [
    'a schema for the answer',
    {
      ...hello,
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'x', strict: true, schema: { type: 'object' } },
      },
    },
    asks({ output: { format: 'schema', name: 'x', strict: true, schema: { type: 'object' } } }),
  ],
  [
    'JSON of any form',
    { ...hello, response_format: { type: 'json_object' } },
    asks({ output: { format: 'json' } }),
  ],
  ['our own parameters, which the gateway reads', { ...hello, params: { version: 'v1' } }, asks({})],
]

export const invalidChats: readonly (readonly [string, JsonObject, string])[] = [
  ['no messages', { model: 'm' }, '/messages'],
  ['an empty conversation', { model: 'm', messages: [] }, '/messages'],
  ['a role of nobody', { messages: [{ role: 'king', content: 'x' }] }, '/messages/0/role'],
  ['a message without content', { messages: [{ role: 'user' }] }, '/messages/0/content'],
  ['content of a wrong form', { messages: [user(3)] }, '/messages/0/content'],
  ['a text that is none', { messages: [user([{ type: 'text', text: 3 }])] }, '/messages/0/content/0/text'],
  ['a result without its call', { messages: [{ role: 'tool', content: 'x' }] }, '/messages/0/tool_call_id'],
  [
    'a function never called',
    { messages: [{ role: 'function', name: 'f', content: 'x' }] },
    '/messages/0/name',
  ],
  ['a temperature in words', { ...hello, temperature: 'hot' }, '/temperature'],
  ['no tokens', { ...hello, max_tokens: 0 }, '/max_tokens'],
  ['two bounds that differ', { ...hello, max_tokens: 5, max_completion_tokens: 6 }, '/max_tokens'],
  ['an empty stop', { ...hello, stop: ['a', ''] }, '/stop/1'],
  ['alternatives of unasked probabilities', { ...hello, top_logprobs: 3 }, '/top_logprobs'],
  [
    'a tool without a name',
    { ...hello, tools: [{ type: 'function', function: {} }] },
    '/tools/0/function/name',
  ],
  ['metadata with numbers', { ...hello, metadata: { a: 1 } }, '/metadata'],
  ['a bias beyond bounds', { ...hello, logit_bias: { '1': 101 } }, '/logit_bias/1'],
  ['stream in words', { ...hello, stream: 'yes' }, '/stream'],
]
