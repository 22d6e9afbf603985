import type { GenerateRequest } from '../../contracts/index.ts'
import type { JsonObject } from '../index.ts'

const model = 'gpt-x'
const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello' }] }
const hello: GenerateRequest['messages'][number] = {
  role: 'user',
  content: [{ type: 'text', text: 'Hello' }],
}
const asks = (fields: JsonObject): JsonObject => ({ model, input: [item], ...fields })
const request = (fields: Partial<GenerateRequest>): GenerateRequest => ({ messages: [hello], ...fields })
const output = (text: string) => ({
  type: 'message',
  role: 'assistant',
  content: [{ type: 'output_text', text, annotations: [] }],
})

/** Each is read as the request, and written again as the body. */
export const responsesRequests: readonly (readonly [string, JsonObject, GenerateRequest])[] = [
  ['a question', asks({}), request({})],
  [
    'instructions',
    asks({ instructions: 'Be brief' }),
    request({ messages: [{ role: 'system', content: [{ type: 'text', text: 'Be brief' }] }, hello] }),
  ],
  [
    'media',
    asks({
      input: [
        {
          type: 'message',
          role: 'user',
          content: [
            { type: 'input_image', image_url: 'https://example.org/a.png', detail: 'low' },
            { type: 'input_image', image_url: 'data:image/png;base64,iVBORw==', detail: 'auto' },
            { type: 'input_image', file_id: 'file_1', detail: 'auto' },
            { type: 'input_file', file_data: 'data:application/pdf;base64,JVBERg==', filename: 'a.pdf' },
            { type: 'input_file', file_url: 'https://example.org/a.pdf' },
            { type: 'input_text', text: 'See', prompt_cache_breakpoint: { mode: 'explicit' } },
          ],
        },
      ],
    }),
    request({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { kind: 'url', url: 'https://example.org/a.png' }, detail: 'low' },
            {
              type: 'image',
              source: { kind: 'base64', mediaType: 'image/png', data: 'iVBORw==' },
              detail: 'auto',
            },
            { type: 'image', source: { kind: 'file', fileId: 'file_1' }, detail: 'auto' },
            {
              type: 'file',
              source: { kind: 'base64', mediaType: 'application/pdf', data: 'JVBERg==' },
              filename: 'a.pdf',
            },
            { type: 'file', source: { kind: 'url', url: 'https://example.org/a.pdf' } },
            {
              type: 'text',
              text: 'See',
              annotations: [{ mode: 'explicit', type: 'prompt_cache_breakpoint' }],
            },
          ],
        },
      ],
    }),
  ],
  [
    'thinking, calls and their results',
    asks({
      input: [
        item,
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [{ type: 'summary_text', text: 'Hm' }],
          encrypted_content: 'gAAA',
        },
        { type: 'reasoning', id: 'rs_2', summary: [] },
        output('Let me see'),
        { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":1}' },
        { type: 'function_call', call_id: 'c2', name: 'f', arguments: '{"a' },
        { type: 'function_call_output', call_id: 'c1', output: 'Rain' },
        {
          type: 'function_call_output',
          call_id: 'c2',
          output: [
            { type: 'input_text', text: 'See' },
            { type: 'input_image', image_url: 'https://example.org/a.png', detail: 'high' },
          ],
        },
        { type: 'message', role: 'assistant', content: [{ type: 'refusal', refusal: 'No' }] },
        { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'Be brief' }] },
      ],
    }),
    request({
      messages: [
        hello,
        {
          role: 'assistant',
          content: [
            { type: 'reasoning', text: 'Hm', signature: 'openai-responses:rs_1:gAAA' },
            { type: 'reasoning', signature: 'openai-responses:rs_2:' },
            { type: 'text', text: 'Let me see' },
            { type: 'tool-call', id: 'c1', name: 'f', arguments: '{"a":1}' },
            { type: 'tool-call', id: 'c2', name: 'f', arguments: '{"a' },
          ],
        },
        {
          role: 'tool',
          content: [{ type: 'tool-result', callId: 'c1', content: [{ type: 'text', text: 'Rain' }] }],
        },
        {
          role: 'tool',
          content: [
            {
              type: 'tool-result',
              callId: 'c2',
              content: [
                { type: 'text', text: 'See' },
                { type: 'image', source: { kind: 'url', url: 'https://example.org/a.png' }, detail: 'high' },
              ],
            },
          ],
        },
        { role: 'assistant', content: [{ type: 'refusal', text: 'No' }] },
        { role: 'developer', content: [{ type: 'text', text: 'Be brief' }] },
      ],
    }),
  ],
  [
    'tools of the client and of the provider',
    asks({
      tools: [
        { type: 'function', name: 'f', description: 'F', parameters: { type: 'object' }, strict: true },
        { type: 'web_search', search_context_size: 'low' },
      ],
      tool_choice: { type: 'function', name: 'f' },
      parallel_tool_calls: false,
    }),
    request({
      tools: [{ name: 'f', description: 'F', parameters: { type: 'object' }, strict: true }],
      toolChoice: { name: 'f' },
      parallelToolCalls: false,
      extras: { 'tools.web_search': [{ type: 'web_search', search_context_size: 'low' }] },
    }),
  ],
  [
    'a choice among tools that only this API has',
    asks({ tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [] } }),
    request({ extras: { 'tool_choice.allowed_tools': { type: 'allowed_tools', mode: 'auto', tools: [] } } }),
  ],
  [
    'sampling',
    asks({
      max_output_tokens: 64,
      temperature: 0.5,
      top_p: 0.9,
      top_logprobs: 2,
      include: ['reasoning.encrypted_content', 'message.output_text.logprobs'],
      stream: true,
      stream_options: { include_obfuscation: false },
      service_tier: 'flex',
      user: 'u',
      metadata: { team: 'a' },
    }),
    request({
      maxOutputTokens: 64,
      temperature: 0.5,
      topP: 0.9,
      logprobs: { top: 2 },
      stream: true,
      serviceTier: 'flex',
      user: 'u',
      metadata: { team: 'a' },
      extras: { include: ['reasoning.encrypted_content'], stream_options: { include_obfuscation: false } },
    }),
  ],
  [
    'a schema of the answer, and how much it says',
    asks({
      text: {
        verbosity: 'low',
        format: {
          type: 'json_schema',
          name: 'place',
          schema: { type: 'object' },
          description: 'P',
          strict: true,
        },
      },
    }),
    request({
      output: { format: 'schema', name: 'place', schema: { type: 'object' }, description: 'P', strict: true },
      extras: { verbosity: 'low' },
    }),
  ],
  ['JSON', asks({ text: { format: { type: 'json_object' } } }), request({ output: { format: 'json' } })],
  [
    'thinking',
    asks({ reasoning: { effort: 'low', summary: 'detailed' } }),
    request({ reasoning: { effort: 'low', summary: 'detailed' } }),
  ],
  [
    'thinking without a neutral word',
    asks({ reasoning: { effort: 'max', context: 'all_turns' } }),
    request({ reasoning: {}, extras: { reasoning: { effort: 'max', context: 'all_turns' } } }),
  ],
  [
    'what the provider keeps',
    asks({
      store: true,
      previous_response_id: 'resp_0',
      background: true,
      conversation: 'conv_1',
      truncation: 'auto',
      max_tool_calls: 3,
    }),
    request({
      extras: {
        store: true,
        previous_response_id: 'resp_0',
        background: true,
        conversation: 'conv_1',
        truncation: 'auto',
        max_tool_calls: 3,
      },
    }),
  ],
  [
    'items that only this API has',
    asks({
      input: [
        item,
        { type: 'item_reference', id: 'msg_0' },
        { type: 'web_search_call', id: 'ws_1', status: 'completed', action: {} },
        output('Rain'),
      ],
    }),
    request({
      messages: [
        hello,
        {
          role: 'assistant',
          content: [
            { type: 'text', text: '', annotations: [{ type: 'item_reference', id: 'msg_0' }] },
            {
              type: 'text',
              text: '',
              annotations: [{ type: 'web_search_call', id: 'ws_1', status: 'completed', action: {} }],
            },
            { type: 'text', text: 'Rain' },
          ],
        },
      ],
      extras: { 'input.item_reference': ['/input/1'], 'input.web_search_call': ['/input/2'] },
    }),
  ],
]

/** Other ways to say the same. */
export const shortResponses: readonly (readonly [string, JsonObject, GenerateRequest])[] = [
  ['a text', { model, input: 'Hello' }, request({})],
  [
    'items without a type',
    { model, input: [{ role: 'user', content: 'Hello' }, { id: 'msg_0' }] },
    request({
      messages: [
        hello,
        {
          role: 'assistant',
          content: [{ type: 'text', text: '', annotations: [{ type: 'item_reference', id: 'msg_0' }] }],
        },
      ],
      extras: { 'input.item_reference': ['/input/1'] },
    }),
  ],
  [
    'an old name of the summary',
    asks({ reasoning: { generate_summary: 'auto' } }),
    request({ reasoning: { summary: 'auto' } }),
  ],
  [
    'nulls',
    asks({ instructions: null, tools: null, temperature: null, metadata: null, user: null, store: null }),
    request({}),
  ],
]

export const invalidResponses: readonly (readonly [string, JsonObject, string])[] = [
  ['no input', { model }, '/input'],
  ['an empty input', asks({ input: [] }), '/input'],
  ['an item nobody knows', asks({ input: [{ type: 'hologram' }] }), '/input/0/type'],
  ['an item without anything', asks({ input: [{}] }), '/input/0/type'],
  ['a role of another API', asks({ input: [{ role: 'tool', content: 'x' }] }), '/input/0/role'],
  [
    'a part nobody knows',
    asks({ input: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] }),
    '/input/0/content/0/type',
  ],
  [
    'a call without an id',
    asks({ input: [{ type: 'function_call', name: 'f', arguments: '{}' }] }),
    '/input/0/call_id',
  ],
  [
    'an output of nothing',
    asks({ input: [{ type: 'function_call_output', call_id: 'a' }] }),
    '/input/0/output',
  ],
  ['heat', asks({ temperature: 2.5 }), '/temperature'],
  ['a tool without a type', asks({ tools: [{ name: 'f' }] }), '/tools/0/type'],
  ['a format nobody has', asks({ text: { format: { type: 'xml' } } }), '/text/format/type'],
  ['metadata that is no text', asks({ metadata: { a: 1 } }), '/metadata/a'],
  ['too many alternatives', asks({ top_logprobs: 21 }), '/top_logprobs'],
]
