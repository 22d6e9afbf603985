import { Agent, request } from 'node:http'
import { systemClock } from '../../kernel/index.ts'

export interface Answer {
  readonly atMs: number
  /** 0: there was no answer; `body` says why. */
  readonly status: number
  readonly requestId: string | undefined
  readonly version: string | undefined
  readonly replica: string | undefined
  readonly body: string
}

export interface SteadyLoad {
  readonly answers: Answer[]
  stop(): Promise<Answer[]>
}

/** A few clients that ask one after the other, each time as another unit. */
export function startLoad(url: string, key: string, clients: number, pauseMs: number): SteadyLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const answers: Answer[] = []
  const ending = new AbortController()
  let asked = 0

  async function client(): Promise<void> {
    while (!ending.signal.aborted) {
      answers.push(await ask(url, key, `unit-${asked++}`, agent))
      await systemClock.sleep(pauseMs)
    }
  }

  const running = Promise.all(Array.from({ length: clients }, client))
  return {
    answers,
    async stop() {
      ending.abort()
      await running
      agent.destroy()
      return answers
    },
  }
}

function ask(url: string, key: string, unit: string, agent: Agent): Promise<Answer> {
  const payload = JSON.stringify({ inputs: [{ x: 1 }] })
  return new Promise((resolve) => {
    const outgoing = request(
      url,
      {
        method: 'POST',
        agent,
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(payload),
          'x-slipway-unit': unit,
        },
      },
      (incoming) => {
        let body = ''
        incoming.on('data', (chunk: Buffer) => {
          body += chunk.toString()
        })
        incoming.on('end', () => resolve(answerOf(incoming.statusCode ?? 0, body, incoming.headers)))
        incoming.on('error', (error) => resolve(answerOf(0, error.message, {})))
      },
    )
    outgoing.on('error', (error) => resolve(answerOf(0, error.message, {})))
    outgoing.end(payload)
  })
}

function answerOf(status: number, body: string, headers: NodeJS.Dict<string | string[]>): Answer {
  const text = (name: string) => (headers[name] === undefined ? undefined : String(headers[name]))
  const requestId = text('x-slipway-request-id')
  const [version, replica] = [text('x-slipway-version'), text('x-slipway-replica')]
  return { atMs: Date.now(), status, requestId, version, replica, body }
}
