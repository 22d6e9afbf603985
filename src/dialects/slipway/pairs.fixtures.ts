import type { DialectName, JsonObject } from '../index.ts'

export type Spoken = Extract<DialectName, 'openai-chat' | 'anthropic' | 'openai-responses' | 'slipway'>
export type Conversation =
  | 'text'
  | 'stop'
  | 'tools'
  | 'images'
  | 'schema'
  | 'json'
  | 'effort'
  | 'thoughts'
  | 'marks'
  | 'state'
  | 'hosted'

const png = 'iVBORw0KGgo='
const url = 'https://example.org/a.png'
const weather = { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] }
const place = {
  type: 'object',
  properties: { name: { type: 'string' } },
  required: ['name'],
  additionalProperties: false,
}
const says = (role: string, text: string) => ({ role, content: [{ type: 'text', text }] })

const chat = (fields: JsonObject): JsonObject => ({
  model: 'm',
  max_completion_tokens: 64,
  messages: [{ role: 'user', content: 'Hello' }],
  ...fields,
})
const claude = (fields: JsonObject): JsonObject => ({
  model: 'm',
  max_tokens: 64,
  messages: [{ role: 'user', content: 'Hello' }],
  ...fields,
})
const responses = (fields: JsonObject): JsonObject => ({
  model: 'm',
  max_output_tokens: 64,
  input: 'Hello',
  ...fields,
})
const own = (fields: JsonObject): JsonObject => ({
  maxOutputTokens: 64,
  ...(fields.messages === undefined ? { prompt: 'Hello' } : {}),
  ...fields,
})

/** The same conversations as the clients of each dialect would send them; what a dialect cannot ask is not there. */
export const conversations: Readonly<Record<Spoken, Partial<Record<Conversation, JsonObject>>>> = {
  'openai-chat': {
    text: chat({
      temperature: 0.5,
      top_p: 0.9,
      user: 'u-1',
      messages: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: 'Hi' },
        { role: 'user', content: 'Again' },
      ],
    }),
    stop: chat({ stop: ['END'] }),
    tools: chat({
      messages: [
        { role: 'user', content: 'Rain?' },
        {
          role: 'assistant',
          content: 'Let me see',
          tool_calls: [
            { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"place":"Ulm"}' } },
            { id: 'c2', type: 'function', function: { name: 'weather', arguments: '{"place":"Bonn"}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'Rain' },
        { role: 'tool', tool_call_id: 'c2', content: 'Sun' },
        { role: 'user', content: 'And?' },
      ],
      tools: [
        { type: 'function', function: { name: 'weather', description: 'Of a place', parameters: weather } },
      ],
      tool_choice: 'required',
      parallel_tool_calls: false,
    }),
    images: chat({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'See' },
            { type: 'image_url', image_url: { url } },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
          ],
        },
      ],
    }),
    schema: chat({ response_format: { type: 'json_schema', json_schema: { name: 'place', schema: place } } }),
    json: chat({ response_format: { type: 'json_object' } }),
    effort: chat({ reasoning_effort: 'low' }),
    state: chat({ store: true }),
  },
  anthropic: {
    text: claude({
      temperature: 0.5,
      top_p: 0.9,
      metadata: { user_id: 'u-1' },
      system: 'Be brief',
      messages: [says('user', 'Hello'), says('assistant', 'Hi'), says('user', 'Again')],
    }),
    stop: claude({ stop_sequences: ['END'] }),
    tools: claude({
      messages: [
        says('user', 'Rain?'),
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Let me see' },
            { type: 'tool_use', id: 'c1', name: 'weather', input: { place: 'Ulm' } },
            { type: 'tool_use', id: 'c2', name: 'weather', input: { place: 'Bonn' } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'c1', content: 'Rain' },
            { type: 'tool_result', tool_use_id: 'c2', content: [{ type: 'text', text: 'Sun' }] },
            { type: 'text', text: 'And?' },
          ],
        },
      ],
      tools: [{ name: 'weather', description: 'Of a place', input_schema: weather }],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
    }),
    images: claude({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'See' },
            { type: 'image', source: { type: 'url', url } },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
          ],
        },
      ],
    }),
    schema: claude({ output_config: { format: { type: 'json_schema', schema: place } } }),
    effort: claude({ thinking: { type: 'adaptive' }, output_config: { effort: 'low' } }),
    thoughts: claude({
      messages: [
        says('user', 'Hello'),
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm', signature: 'c2ln' },
            { type: 'text', text: 'Hi' },
          ],
        },
        says('user', 'Again'),
      ],
    }),
    marks: claude({ system: [{ type: 'text', text: 'Long', cache_control: { type: 'ephemeral' } }] }),
    state: claude({ container: 'c_1' }),
    hosted: claude({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }),
  },
  'openai-responses': {
    text: responses({
      temperature: 0.5,
      top_p: 0.9,
      user: 'u-1',
      instructions: 'Be brief',
      input: [
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: [{ type: 'output_text', text: 'Hi', annotations: [] }] },
        { role: 'user', content: 'Again' },
      ],
    }),
    tools: responses({
      input: [
        { role: 'user', content: 'Rain?' },
        { role: 'assistant', content: 'Let me see' },
        { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"place":"Ulm"}' },
        { type: 'function_call', call_id: 'c2', name: 'weather', arguments: '{"place":"Bonn"}' },
        { type: 'function_call_output', call_id: 'c1', output: 'Rain' },
        { type: 'function_call_output', call_id: 'c2', output: 'Sun' },
        { role: 'user', content: 'And?' },
      ],
      tools: [
        { type: 'function', name: 'weather', description: 'Of a place', parameters: weather, strict: null },
      ],
      tool_choice: 'required',
      parallel_tool_calls: false,
    }),
    images: responses({
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'See' },
            { type: 'input_image', image_url: url, detail: 'auto' },
            { type: 'input_image', image_url: `data:image/png;base64,${png}`, detail: 'auto' },
          ],
        },
      ],
    }),
    schema: responses({ text: { format: { type: 'json_schema', name: 'place', schema: place } } }),
    json: responses({ text: { format: { type: 'json_object' } } }),
    effort: responses({ reasoning: { effort: 'low' } }),
    thoughts: responses({
      input: [
        { role: 'user', content: 'Hello' },
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [{ type: 'summary_text', text: 'Hm' }],
          encrypted_content: 'gAAA',
        },
        { role: 'assistant', content: 'Hi' },
        { role: 'user', content: 'Again' },
      ],
    }),
    state: responses({ previous_response_id: 'resp_0' }),
    hosted: responses({ tools: [{ type: 'web_search' }] }),
  },
  slipway: {
    text: own({
      temperature: 0.5,
      topP: 0.9,
      user: 'u-1',
      messages: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: 'Hi' },
        { role: 'user', content: 'Again' },
      ],
    }),
    stop: own({ stop: ['END'] }),
    tools: own({
      messages: [
        { role: 'user', content: 'Rain?' },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Let me see' },
            { type: 'tool-call', id: 'c1', name: 'weather', arguments: '{"place":"Ulm"}' },
            { type: 'tool-call', id: 'c2', name: 'weather', arguments: '{"place":"Bonn"}' },
          ],
        },
        { role: 'tool', content: [{ type: 'tool-result', callId: 'c1', content: 'Rain' }] },
        { role: 'tool', content: [{ type: 'tool-result', callId: 'c2', content: 'Sun' }] },
        { role: 'user', content: 'And?' },
      ],
      tools: [{ name: 'weather', description: 'Of a place', parameters: weather }],
      toolChoice: 'required',
      parallelToolCalls: false,
    }),
    images: own({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'See' },
            { type: 'image', source: { kind: 'url', url } },
            { type: 'image', source: { kind: 'base64', mediaType: 'image/png', data: png } },
          ],
        },
      ],
    }),
    schema: own({ output: { format: 'schema', name: 'place', schema: place } }),
    json: own({ output: { format: 'json' } }),
    effort: own({ reasoning: { effort: 'low' } }),
    thoughts: own({
      messages: [
        { role: 'user', content: 'Hello' },
        {
          role: 'assistant',
          content: [
            { type: 'reasoning', text: 'Hm', signature: 'c2ln' },
            { type: 'text', text: 'Hi' },
          ],
        },
        { role: 'user', content: 'Again' },
      ],
    }),
    marks: own({
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'Long', cache: {} }] },
        { role: 'user', content: 'Hello' },
      ],
    }),
    state: own({ extras: { store: true } }),
    hosted: own({ extras: { 'tools.web_search': [{ type: 'web_search' }] } }),
  },
}
