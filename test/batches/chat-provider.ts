import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ChatProvider {
  readonly origin: string
  /** What was asked, in the order in which it came. */
  readonly asked: string[]
  /** The last message of the last request. */
  readonly last: () => { content: Record<string, unknown>[] }
  /** By what was asked: a status to refuse with, once each; `hold` answers when `release` is called. */
  readonly moods: Map<string, (number | 'hold')[]>
  /** Questions that wait for `release`. */
  readonly held: () => number
  release(): void
  close(): Promise<void>
}

/** A provider of chat completions that answers `re: <question>`. */
export async function openChatProvider(): Promise<ChatProvider> {
  const asked: string[] = []
  let last: unknown
  const moods = new Map<string, (number | 'hold')[]>()
  let held: (() => void)[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString())
      const question = String(body.messages?.at(-1)?.content ?? body.input)
      asked.push(question)
      last = body.messages?.at(-1)
      const mood = moods.get(question)?.shift()
      if (mood === 'hold') held.push(() => say(response, question))
      else if (mood === undefined) say(response, question)
      else refuse(response, mood)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    last: () => last as { content: Record<string, unknown>[] },
    moods,
    held: () => held.length,
    release() {
      for (const go of held) go()
      held = []
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

function say(response: ServerResponse, question: string): void {
  const body = {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'big',
    choices: [
      { index: 0, message: { role: 'assistant', content: `re: ${question}` }, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function refuse(response: ServerResponse, status: number): void {
  const error = { message: 'refused', type: 'invalid_request_error', param: null, code: null }
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
}
