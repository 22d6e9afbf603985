import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { members, parsed } from '../json.ts'

type Body = Record<string, unknown>

/** What a scripted service does; a planted difference changes one of these. */
export interface ServiceScript {
  /** Changes or replaces what is answered; `events` of a stream, one object of a whole answer, or a refusal. */
  readonly change?: (answer: ScriptedAnswer, asked: Body) => ScriptedAnswer
  readonly tokensOf?: (characters: number) => number
  readonly contextTokens?: number
}

export interface ScriptedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
  /** Of a stream, without the mark of its end. */
  readonly events: readonly unknown[]
  readonly isDone: boolean
}

/** Chat completions on loopback, as the OpenAI API reference has them. */
export async function scriptedService(
  script: ServiceScript = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => void answer(request, response, script))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `openai+http://127.0.0.1:${(server.address() as AddressInfo).port}/v1#m`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  script: ServiceScript,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const asked = members(parsed(Buffer.concat(chunks).toString())) ?? {}
  const usual = usualAnswer(asked, script)
  const said = script.change?.(usual, asked) ?? usual
  const isStream = asked.stream === true && said.status === 200
  const type = isStream ? 'text/event-stream' : 'application/json'
  response.writeHead(said.status, { 'content-type': type, ...said.headers })
  if (!isStream) return void response.end(JSON.stringify(said.body))
  for (const event of said.events) response.write(`data: ${JSON.stringify(event)}\n\n`)
  response.end(said.isDone ? 'data: [DONE]\n\n' : '')
}

function usualAnswer(asked: Body, script: ServiceScript): ScriptedAnswer {
  const plain = { status: 200, headers: {}, body: null, events: [], isDone: true }
  const refusal = (code: string) => ({
    ...plain,
    status: 400,
    body: { error: { message: code, type: 'invalid_request_error', code } },
  })
  if (!Array.isArray(asked.messages)) return refusal('invalid_type')
  if (typeof asked.max_tokens === 'number' && asked.max_tokens < 1) return refusal('integer_below_min_value')
  const input = (script.tokensOf ?? ((characters) => Math.ceil(characters / 4)))(
    JSON.stringify(asked.messages).length,
  )
  if (input > (script.contextTokens ?? 1e6)) return refusal('context_length_exceeded')
  const { message, finish, output } = said(asked)
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
  const logprobs = asked.logprobs === true ? { content: [{ token: 'Hello', logprob: -0.1 }] } : null
  return {
    ...plain,
    body: {
      id: 'c',
      object: 'chat.completion',
      choices: [{ index: 0, message, logprobs, finish_reason: finish }],
      usage,
    },
    events: eventsOf(message, finish, members(asked.stream_options as never) === undefined ? null : usage),
  }
}

interface Message {
  role: string
  content: string | null
  tool_calls?: { id: string; type: string; function: { name: string; arguments: string } }[]
}

function said(asked: Body): { message: Message; finish: string; output: number } {
  const content = (text: string, finish = 'stop', output = 2) => ({
    message: { role: 'assistant', content: text },
    finish,
    output,
  })
  if (Array.isArray(asked.tools)) {
    const calls = asked.tools.map((tool, index) => ({
      id: `call_${index}`,
      type: 'function',
      function: {
        name: (tool as { function: { name: string } }).function.name,
        arguments: '{"city":"Oslo"}',
      },
    }))
    return {
      message: { role: 'assistant', content: null, tool_calls: calls },
      finish: 'tool_calls',
      output: 9,
    }
  }
  if (asked.response_format !== undefined) return content('{"name":"orange","red":255}')
  if (asked.stop !== undefined) return content('one two ')
  if (asked.max_tokens === 5) return content('one two three four five', 'length', 5)
  return content('Hello.')
}

function eventsOf({ content, tool_calls }: Message, finish: string, usage: object | null): unknown[] {
  const event = (delta: object, reason: string | null = null) => ({
    id: 'c',
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: reason }],
  })
  const calls = (tool_calls ?? []).map((call, index) => event({ tool_calls: [{ index, ...call }] }))
  const pieces = content === null ? calls : [event({ role: 'assistant', content })]
  return [
    ...pieces,
    event({}, finish),
    ...(usage === null ? [] : [{ id: 'c', object: 'chat.completion.chunk', choices: [], usage }]),
  ]
}
