import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { headerNames, problem } from '../contracts/index.ts'
import { SlipwayError } from '../kernel/index.ts'
import { answerProblem, answerText, type ProblemForm } from './server/answer.ts'
import type { HttpRequest, HttpResponse } from './server/http.ts'

/** Connections to control; more requests than that wait for one. */
const MAX_CONNECTIONS = 32
/** Neither a byte of the request taken nor one of the answer come for so long: control is gone. */
const SILENCE_MS = 60_000
const MAX_PROBLEM_BYTES = 65_536
const TO_CONTROL = ['content-type', 'content-length'] as const
const TO_CLIENT = ['content-type', 'content-length', 'content-disposition'] as const

export interface Passing {
  readonly requestId: string
  /** `Bearer slw_…`, proven here; control proves it again. */
  readonly credential: string
  readonly form: ProblemForm | undefined
}

/**
 * Hands requests for what control keeps on to it, at `/api` and the client's own path, bodies streamed in both
 * directions. What control refuses is told in the form of the client's surface; when it cannot be reached, this path
 * says so and everything else of the gateway goes on.
 */
export class ControlDoor {
  readonly #url: string
  readonly #agent: Agent
  readonly #send: typeof httpRequest

  constructor(controlUrl: string) {
    this.#url = controlUrl
    const isTls = controlUrl.startsWith('https:')
    const how = { keepAlive: true, maxSockets: MAX_CONNECTIONS }
    this.#agent = isTls ? new TlsAgent(how) : new Agent(how)
    this.#send = isTls ? tlsRequest : httpRequest
  }

  pass(request: HttpRequest, response: HttpResponse, passing: Passing): void {
    const headers: Record<string, string> = { authorization: passing.credential }
    for (const name of TO_CONTROL) {
      const value = request.headers[name]
      if (value !== undefined) headers[name] = value
    }
    const sent = this.#send(new URL(`/api${request.url}`, this.#url), {
      method: request.method as string,
      agent: this.#agent,
      headers,
    })
    sent.setTimeout(SILENCE_MS, () => sent.destroy(new Error(`silent for ${SILENCE_MS} ms`)))
    sent.on('response', (answer) => void this.#answer(request, response, answer, passing))
    sent.on('error', () => {
      if (response.headersSent) response.destroy()
      else if (!response.destroyed) {
        request.unpipe(sent)
        this.#unavailable(request, response, passing)
      }
    })
    response.on('close', () => {
      if (!response.writableFinished) sent.destroy()
    })
    request.pipe(sent)
  }

  close(): void {
    this.#agent.destroy()
  }

  async #answer(
    request: HttpRequest,
    response: HttpResponse,
    answer: IncomingMessage,
    passing: Passing,
  ): Promise<void> {
    const status = answer.statusCode as number
    if (status >= 400) {
      await this.#refused(request, response, answer, passing)
      return
    }
    const headers: string[] = [headerNames.requestId, passing.requestId]
    for (const name of TO_CLIENT) {
      const value = answer.headers[name]
      if (value !== undefined) headers.push(name, value)
    }
    response.writeHead(status, headers)
    passOn(answer, response)
  }

  async #refused(
    request: HttpRequest,
    response: HttpResponse,
    answer: IncomingMessage,
    passing: Passing,
  ): Promise<void> {
    const told = await problemIn(answer)
    if (told === undefined) {
      this.#unavailable(request, response, passing)
      return
    }
    const { form, requestId } = passing
    const retryAfter = answer.headers['retry-after']
    if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter)
    answerText(
      request,
      response,
      form?.statusOf(told) ?? told.status,
      requestId,
      JSON.stringify(form === undefined ? told : form.write({ ...told, requestId })),
      form?.contentType ?? 'application/problem+json',
    )
  }

  #unavailable(request: HttpRequest, response: HttpResponse, { form, requestId }: Passing): void {
    const error = new SlipwayError('control_unavailable', { url: this.#url })
    answerProblem(request, response, error, { requestId }, form)
  }
}

/** As fast as the client takes it; where it breaks off, the connection does too: a length was promised. */
function passOn(answer: IncomingMessage, response: HttpResponse): void {
  answer.on('data', (chunk: Buffer) => {
    if (response.write(chunk)) return
    answer.pause()
    response.once('drain', () => answer.resume())
  })
  answer.on('end', () => response.end())
  answer.on('close', () => {
    if (!answer.complete) response.destroy()
  })
  response.on('close', () => answer.destroy())
}

/** Undefined: not a problem of ours, so it was not control that answered. */
async function problemIn(answer: IncomingMessage) {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of answer) {
      bytes += (chunk as Buffer).length
      if (bytes > MAX_PROBLEM_BYTES) return undefined
      chunks.push(chunk as Buffer)
    }
    return problem.safeParse(JSON.parse(Buffer.concat(chunks).toString())).data
  } catch {
    return undefined
  }
}
