import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { NO_USAGE } from '../../contracts/index.ts'

/** What a scripted server does with its requests, by how many came before. */
export interface TargetScript {
  readonly status?: (index: number) => number
  readonly delayMs?: (index: number) => number
  readonly pieces?: number
  readonly gapMs?: number
  readonly model?: (index: number) => string
  /** Write something else than the dialect. */
  readonly garbage?: boolean
  /** End the stream before its end. */
  readonly cutAfter?: number
}

export interface ScriptedTarget {
  readonly url: string
  readonly requests: { path: string; headers: IncomingMessage['headers']; body: string }[]
  close(): Promise<void>
}

/** A server on loopback that speaks every kind of target: chat, messages, generate, predict, infer, plain. */
export async function scriptedTarget(script: TargetScript = {}): Promise<ScriptedTarget> {
  const requests: ScriptedTarget['requests'] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const index = requests.push({ path: request.url ?? '', headers: request.headers, body }) - 1
    await pause(script.delayMs?.(index) ?? 0)
    await answer(script, index, requests[index]!, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  script: TargetScript,
  index: number,
  request: ScriptedTarget['requests'][number],
  response: ServerResponse,
): Promise<void> {
  const status = script.status?.(index) ?? 200
  const model = script.model?.(index) ?? 'm'
  if (status !== 200) return void response.writeHead(status).end('{"error":{"message":"no"}}')
  if (script.garbage) return void response.end('<html>nothing here speaks that</html>')
  const isStream = request.body !== '' && JSON.parse(request.body).stream === true
  if (!isStream) {
    response.setHeader('x-slipway-version', model)
    return void response.end(JSON.stringify(wholeAnswer(request.path, model)))
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const events = eventsFor(request.path, model, script.pieces ?? 3)
  for (const event of events.slice(0, script.cutAfter ?? events.length)) {
    response.write(event)
    await pause(script.gapMs ?? 0)
  }
  response.end()
}

function wholeAnswer(path: string, model: string): object {
  if (!path.endsWith('/chat/completions')) return { outputs: [{ label: 1 }], model_version: model }
  return {
    id: 'x',
    object: 'chat.completion',
    created: 1,
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: 'word' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 },
  }
}

function eventsFor(path: string, model: string, pieces: number): string[] {
  const each = <T>(one: T): T[] => new Array<T>(pieces).fill(one)
  if (path.endsWith('/messages'))
    return [
      named('message_start', {
        message: {
          id: 'x',
          type: 'message',
          role: 'assistant',
          content: [],
          model,
          usage: { input_tokens: 11, output_tokens: 0 },
        },
      }),
      named('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
      ...each(named('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'word ' } })),
      named('content_block_stop', { index: 0 }),
      named('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: pieces } }),
      named('message_stop', {}),
    ]
  if (path.endsWith('/generate'))
    return [
      named('started', { id: 'x', providerModel: model }),
      ...each(named('text', { choice: 0, text: 'word ' })),
      named('finished', { choice: 0, reason: 'stop' }),
      named('usage', { usage: { ...NO_USAGE, input: 11, output: pieces } }),
      named('ended', {}),
    ]
  const chunk = (more: object) => `data: ${JSON.stringify({ id: 'x', created: 1, model, ...more })}\n\n`
  const delta = (content: object, finish: string | null) =>
    chunk({ choices: [{ index: 0, delta: content, finish_reason: finish }] })
  return [
    delta({ role: 'assistant', content: '' }, null),
    ...each(delta({ content: 'word ' }, null)),
    delta({}, 'stop'),
    chunk({
      choices: [],
      usage: { prompt_tokens: 11, completion_tokens: pieces, total_tokens: 11 + pieces },
    }),
    'data: [DONE]\n\n',
  ]
}

function named(type: string, more: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
}

function pause(ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms))
}
