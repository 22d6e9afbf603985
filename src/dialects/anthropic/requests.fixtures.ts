import type { GenerateRequest } from '../../contracts/index.ts'
import type { JsonObject } from '../index.ts'

const model = 'claude-sonnet-5'
const user = { role: 'user', content: 'Hello' }
const hello: GenerateRequest['messages'][number] = {
  role: 'user',
  content: [{ type: 'text', text: 'Hello' }],
}
const asks = (fields: JsonObject): JsonObject => ({ model, max_tokens: 64, messages: [user], ...fields })
const request = (fields: Partial<GenerateRequest>): GenerateRequest => ({
  messages: [hello],
  maxOutputTokens: 64,
  ...fields,
})

/** Each is read as the request, and written again as the body. */
export const anthropicRequests: readonly (readonly [string, JsonObject, GenerateRequest])[] = [
  ['a question', asks({}), request({})],
  [
    'a system prompt of blocks, with marks',
    asks({
      system: [
        { type: 'text', text: 'Be brief' },
        { type: 'text', text: 'Long', cache_control: { type: 'ephemeral', ttl: '1h' } },
      ],
    }),
    request({
      messages: [
        {
          role: 'system',
          content: [
            { type: 'text', text: 'Be brief' },
            { type: 'text', text: 'Long', cache: { ttl: '1h' } },
          ],
        },
        hello,
      ],
    }),
  ],
  [
    'a system prompt',
    asks({ system: 'Be brief' }),
    request({ messages: [{ role: 'system', content: [{ type: 'text', text: 'Be brief' }] }, hello] }),
  ],
  [
    'media',
    asks({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw==' } },
            {
              type: 'image',
              source: { type: 'url', url: 'https://example.org/a.png' },
              cache_control: { type: 'ephemeral' },
            },
            {
              type: 'document',
              source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERg==' },
              title: 'a.pdf',
            },
            { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Grüße' } },
            { type: 'document', source: { type: 'file', file_id: 'file_1' } },
          ],
        },
      ],
    }),
    request({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { kind: 'base64', mediaType: 'image/png', data: 'iVBORw==' } },
            { type: 'image', source: { kind: 'url', url: 'https://example.org/a.png' }, cache: {} },
            {
              type: 'file',
              source: { kind: 'base64', mediaType: 'application/pdf', data: 'JVBERg==' },
              filename: 'a.pdf',
            },
            { type: 'file', source: { kind: 'base64', mediaType: 'text/plain', data: 'R3LDvMOfZQ==' } },
            { type: 'file', source: { kind: 'file', fileId: 'file_1' } },
          ],
        },
      ],
    }),
  ],
  [
    'thinking, calls and their results, with what the user says after them',
    asks({
      messages: [
        user,
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm', signature: 'c2ln' },
            { type: 'redacted_thinking', data: 'eA==' },
            { type: 'text', text: 'Let me see' },
            { type: 'tool_use', id: 't1', name: 'f', input: { a: 1 } },
            { type: 'tool_use', id: 't2', name: 'f', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 't1', content: 'Rain' },
            {
              type: 'tool_result',
              tool_use_id: 't2',
              content: [
                { type: 'text', text: 'See' },
                { type: 'image', source: { type: 'url', url: 'https://example.org/a.png' } },
              ],
              is_error: true,
            },
            { type: 'text', text: 'And?' },
          ],
        },
        { role: 'system', content: 'Be brief now' },
      ],
    }),
    request({
      messages: [
        hello,
        {
          role: 'assistant',
          content: [
            { type: 'reasoning', text: 'Hm', signature: 'c2ln' },
            { type: 'reasoning', redacted: 'eA==' },
            { type: 'text', text: 'Let me see' },
            { type: 'tool-call', id: 't1', name: 'f', arguments: '{"a":1}' },
            { type: 'tool-call', id: 't2', name: 'f', arguments: '{}' },
          ],
        },
        {
          role: 'tool',
          content: [{ type: 'tool-result', callId: 't1', content: [{ type: 'text', text: 'Rain' }] }],
        },
        {
          role: 'tool',
          content: [
            {
              type: 'tool-result',
              callId: 't2',
              content: [
                { type: 'text', text: 'See' },
                { type: 'image', source: { kind: 'url', url: 'https://example.org/a.png' } },
              ],
              isError: true,
            },
          ],
        },
        { role: 'user', content: [{ type: 'text', text: 'And?' }] },
        { role: 'system', content: [{ type: 'text', text: 'Be brief now' }] },
      ],
    }),
  ],
  [
    'tools of the client and of the provider, one call at a time',
    asks({
      tools: [
        {
          name: 'f',
          description: 'F',
          input_schema: { type: 'object' },
          strict: true,
          cache_control: { type: 'ephemeral' },
        },
        { type: 'web_search_20250305', name: 'web_search', max_uses: 2 },
      ],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
    }),
    request({
      tools: [{ name: 'f', description: 'F', parameters: { type: 'object' }, strict: true, cache: {} }],
      toolChoice: 'required',
      parallelToolCalls: false,
      extras: {
        'tools.web_search_20250305': [{ type: 'web_search_20250305', name: 'web_search', max_uses: 2 }],
      },
    }),
  ],
  [
    'a named tool',
    asks({ tools: [{ name: 'f', input_schema: {} }], tool_choice: { type: 'tool', name: 'f' } }),
    request({ tools: [{ name: 'f', parameters: {} }], toolChoice: { name: 'f' } }),
  ],
  [
    'sampling',
    asks({
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      stop_sequences: ['END'],
      stream: true,
      service_tier: 'standard_only',
      metadata: { user_id: 'u' },
    }),
    request({
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      stop: ['END'],
      stream: true,
      serviceTier: 'default',
      user: 'u',
    }),
  ],
  [
    'a budget of thinking',
    asks({ thinking: { type: 'enabled', budget_tokens: 2048 } }),
    request({ reasoning: { budgetTokens: 2048 } }),
  ],
  [
    'adaptive thinking with an effort',
    asks({ thinking: { type: 'adaptive', display: 'omitted' }, output_config: { effort: 'high' } }),
    request({ reasoning: { effort: 'high', summary: 'none' } }),
  ],
  ['adaptive thinking', asks({ thinking: { type: 'adaptive' } }), request({ reasoning: {} })],
  [
    'an effort without a neutral word',
    asks({ thinking: { type: 'adaptive' }, output_config: { effort: 'max' } }),
    request({ reasoning: {}, extras: { output_config: { effort: 'max' } } }),
  ],
  [
    'an effort without thinking',
    asks({ output_config: { effort: 'low' } }),
    request({ extras: { output_config: { effort: 'low' } } }),
  ],
  ['no thinking', asks({ thinking: { type: 'disabled' } }), request({ reasoning: { effort: 'none' } })],
  [
    'thinking of a later kind',
    asks({ thinking: { type: 'between_tools' } }),
    request({ extras: { thinking: { type: 'between_tools' } } }),
  ],
  [
    'a schema of the answer',
    asks({ output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } }),
    request({ output: { format: 'schema', schema: { type: 'object' } } }),
  ],
  [
    'what only this API has',
    asks({
      container: 'c_1',
      mcp_servers: [{ type: 'url', url: 'https://example.org', name: 'm' }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'search_result', source: 's', title: 't', content: [] },
            { type: 'text', text: 'Cited?' },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} },
            { type: 'text', text: 'Yes' },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'document', source: { type: 'content', content: 'x' }, citations: { enabled: true } },
          ],
        },
      ],
    }),
    request({
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'text',
              text: '',
              annotations: [{ type: 'search_result', source: 's', title: 't', content: [] }],
            },
            { type: 'text', text: 'Cited?' },
          ],
        },
        {
          role: 'assistant',
          content: [
            {
              type: 'text',
              text: '',
              annotations: [{ type: 'server_tool_use', id: 's1', name: 'web_search', input: {} }],
            },
            { type: 'text', text: 'Yes' },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'text',
              text: '',
              annotations: [
                { type: 'document', source: { type: 'content', content: 'x' }, citations: { enabled: true } },
              ],
            },
          ],
        },
      ],
      extras: {
        container: 'c_1',
        mcp_servers: [{ type: 'url', url: 'https://example.org', name: 'm' }],
        'content.search_result': ['/messages/0/content/0'],
        'content.server_tool_use': ['/messages/1/content/0'],
        'content.document': ['/messages/2/content/0'],
      },
    }),
  ],
]

export const invalidMessages: readonly (readonly [string, JsonObject, string])[] = [
  ['no bound', { model, messages: [user] }, '/max_tokens'],
  ['a bound of nothing', asks({ max_tokens: 0 }), '/max_tokens'],
  ['no messages', { model, max_tokens: 1 }, '/messages'],
  ['an empty conversation', asks({ messages: [] }), '/messages'],
  ['a role of another API', asks({ messages: [{ role: 'tool', content: 'x' }] }), '/messages/0/role'],
  [
    'a block nobody knows',
    asks({ messages: [{ role: 'user', content: [{ type: 'hologram' }] }] }),
    '/messages/0/content/0/type',
  ],
  [
    'a text that is none',
    asks({ messages: [{ role: 'user', content: [{ type: 'text', text: 3 }] }] }),
    '/messages/0/content/0/text',
  ],
  [
    'thinking without its signature',
    asks({ messages: [{ role: 'assistant', content: [{ type: 'thinking', thinking: 'x' }] }] }),
    '/messages/0/content/0/signature',
  ],
  [
    'input that is no object',
    asks({
      messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: '{}' }] }],
    }),
    '/messages/0/content/0/input',
  ],
  [
    'a lifetime nobody has',
    asks({ system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '2h' } }] }),
    '/system/0/cache_control/ttl',
  ],
  ['heat', asks({ temperature: 1.2 }), '/temperature'],
  ['a tool without a schema', asks({ tools: [{ name: 'f' }] }), '/tools/0/input_schema'],
  ['a choice nobody has', asks({ tool_choice: { type: 'maybe' } }), '/tool_choice/type'],
  ['an empty stop', asks({ stop_sequences: ['a', ''] }), '/stop_sequences/1'],
  ['a format nobody has', asks({ output_config: { format: { type: 'xml' } } }), '/output_config/format/type'],
  ['params of nobody', asks({ params: { verson: 'v1' } }), '/params'],
]
