import { once } from 'node:events'
import { Agent, type IncomingMessage, request as send } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { answerText } from './answer.ts'
import type { HttpHandler, HttpServer } from './http.ts'
import { defaultServerLimits, type ServerLimits } from './server-limits.ts'

type Create = (limits: ServerLimits, nextRequestId: () => string, handle: HttpHandler) => HttpServer

/** What the gateway asks of a server of HTTP/1.1, whoever reads the bytes. */
export function describeHttpServer(name: string, create: Create): void {
  describe(`${name} serves`, () => {
    const servers: HttpServer[] = []
    const sockets: Socket[] = []
    const agents: Agent[] = []
    afterEach(() => {
      for (const agent of agents.splice(0)) agent.destroy()
      for (const socket of sockets.splice(0)) socket.destroy()
      for (const server of servers.splice(0)) {
        server.stopAccepting()
        server.closeAllConnections()
      }
    })
    const open = async (handle: HttpHandler, limits: Partial<ServerLimits> = {}) => {
      const server = create({ ...defaultServerLimits, ...limits }, () => 'r1', handle)
      servers.push(server)
      return { server, port: await server.listen({ host: '127.0.0.1', port: 0, reusePort: false }, '') }
    }
    const dial = async (port: number) => {
      const socket = connect(port, '127.0.0.1')
      sockets.push(socket)
      let text = ''
      socket.setEncoding('latin1').on('data', (chunk) => {
        text += chunk
      })
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      const until = async (found: (text: string) => boolean) => {
        while (!found(text)) {
          if (socket.destroyed) throw new Error(`closed after ${JSON.stringify(text)}`)
          await sleep(5)
        }
        return text
      }
      return { socket, until, text: () => text, closed: once(socket, 'close') }
    }
    /** Answers with the method, the target and the body. */
    const echo: HttpHandler = (request, response, expectsContinue) => {
      if (expectsContinue) response.writeContinue()
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => {
        const body = `${request.method} ${request.url} ${Buffer.concat(chunks)}`
        response.writeHead(200, [
          'content-type',
          'text/plain',
          'content-length',
          String(Buffer.byteLength(body)),
        ])
        response.end(body)
      })
    }

    test('one request after another on one connection', async () => {
      const { port, server } = await open(echo)
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      agents.push(agent)
      for (const body of ['', 'one', 'ü'.repeat(70_000)]) {
        const sent = send({ port, agent, method: 'POST', path: '/x?y=1' })
        sent.end(body)
        const [answer] = (await once(sent, 'response')) as [IncomingMessage]
        let text = ''
        for await (const chunk of answer.setEncoding('utf8')) text += chunk
        expect(text).toBe(`POST /x?y=1 ${body}`)
        expect(answer.headers.date).toMatch(/ GMT$/)
      }
      expect(server.connections).toBe(1)
    })

    test('requests sent ahead, in order', async () => {
      const { port } = await open(echo)
      const { socket, until } = await dial(port)
      socket.write(
        'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi',
      )
      socket.write('GET /3 HTTP/1.1\r\nHost: a\r\n\r\n')
      const text = await until((all) => all.includes('/3 '))
      expect(text.match(/(GET|POST) \/\d[^H]*/g)?.map((line) => line.trim())).toEqual([
        'GET /1',
        'POST /2 hi',
        'GET /3',
      ])
    })

    test('bodies in chunks, and answers in chunks', async () => {
      const { port } = await open((request, response) => {
        request.on('data', () => undefined)
        request.on('end', () => {
          response.writeHead(200, ['content-type', 'text/event-stream'])
          response.write('data: ü\n\n')
          setImmediate(() => {
            response.write(Buffer.from('data: 2\n\n'))
            response.end('data: 3\n\n')
          })
        })
      })
      const { socket, until } = await dial(port)
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n')
      const text = await until((all) => all.endsWith('0\r\n\r\n'))
      expect(text.toLowerCase()).toContain('transfer-encoding: chunked')
      const body = text.slice(text.indexOf('\r\n\r\n') + 4).replace(/(^|\r\n)[0-9a-f]+\r\n/g, '')
      expect(body.trimEnd()).toBe('data: \xc3\xbc\n\ndata: 2\n\ndata: 3')
    })

    test('HTTP/1.0, to the end of the connection', async () => {
      const { port } = await open((_, response) => {
        response.writeHead(200, ['content-type', 'text/plain'])
        response.write('a')
        response.end('b')
      })
      const { socket, text, closed } = await dial(port)
      socket.write('GET / HTTP/1.0\r\n\r\n')
      await closed
      expect(text().endsWith('\r\n\r\nab')).toBe(true)
      expect(text()).not.toContain('transfer-encoding')
    })

    test('HEAD without a body', async () => {
      const { port } = await open((request, response) => answerText(request, response, 200, 'r1', 'hello'))
      const { socket, until, text } = await dial(port)
      socket.write('HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await until((all) => all.endsWith('hello'))
      expect(text().match(/hello/g)).toHaveLength(1)
      expect(text().match(/content-length: 5/g)).toHaveLength(2)
    })

    test('100-continue only when the handler asks for the body', async () => {
      const { port } = await open((request, response, expectsContinue) => {
        if (request.url === '/no') answerText(request, response, 403, 'r1', 'no')
        else echo(request, response, expectsContinue)
      })
      const { socket, until } = await dial(port)
      socket.write('POST /yes HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n')
      await until((all) => all === 'HTTP/1.1 100 Continue\r\n\r\n')
      socket.write('hi')
      await until((all) => all.endsWith('POST /yes hi'))
      socket.write('POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 200000\r\n\r\n')
      const text = await until((all) => all.endsWith('no'))
      expect(text.match(/100 Continue/g)).toHaveLength(1)
    })

    test('the next request though nobody read the body of the last', async () => {
      const { port } = await open((request, response) =>
        answerText(request, response, 200, 'r1', `${request.url}.`),
      )
      const { socket, until } = await dial(port)
      socket.write(`POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n${'x'.repeat(50_000)}`)
      socket.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
      expect(await until((all) => all.endsWith('/2.'))).toContain('/1.')
    })

    test('a handler that reads late', async () => {
      const { port } = await open((request, response, expectsContinue) => {
        setTimeout(() => echo(request, response, expectsContinue), 20)
      })
      const { socket, until } = await dial(port)
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nlate')
      await until((all) => all.endsWith('POST / late'))
      socket.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
      await until((all) => all.endsWith('GET /2 '))
    })

    test('a reader that takes nothing: it is told to wait, and what waits is bounded by that', async () => {
      let written = 0
      let drains = 0
      const { port } = await open((_, response) => {
        response.writeHead(200, ['content-type', 'text/plain'])
        const more = () => {
          while (written < 64 * 1024 * 1024) {
            written += 65_536
            if (!response.write('x'.repeat(65_536))) {
              response.once('drain', () => {
                drains++
                more()
              })
              return
            }
          }
          response.end()
        }
        more()
      })
      const { socket, until } = await dial(port)
      socket.pause()
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await sleep(200)
      expect(written).toBeLessThan(32 * 1024 * 1024)
      socket.resume()
      await until((all) => all.length > 64 * 1024 * 1024)
      expect(drains).toBeGreaterThan(0)
    })

    test('close comes once: after the answer, and when the client leaves', async () => {
      const closes: string[] = []
      const { port } = await open((request, response) => {
        response.on('close', () => closes.push(`${request.url} ${response.writableFinished}`))
        if (request.url === '/stay') answerText(request, response, 200, 'r1', 'ok')
      })
      const { socket, until, closed } = await dial(port)
      socket.write('GET /stay HTTP/1.1\r\nHost: a\r\n\r\n')
      await until((all) => all.endsWith('ok'))
      socket.write('GET /leave HTTP/1.1\r\nHost: a\r\n\r\n')
      await sleep(50)
      socket.destroy()
      await closed
      while (closes.length < 2) await sleep(5)
      await sleep(50)
      expect(closes).toEqual(['/stay true', '/leave false'])
    })

    test.each<[string, string, number]>([
      ['what is not HTTP', 'hello there\r\n\r\n', 400],
      ['a head that is too large', `GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
      [
        'a body that breaks its framing',
        'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n',
        400,
      ],
    ])('a problem to %s, and closes', async (_, bytes, status) => {
      const { port } = await open((request) => void request.on('data', () => undefined))
      const { socket, text, closed } = await dial(port)
      socket.write(bytes)
      await closed
      expect(text()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
      expect(text()).toContain('application/problem+json')
    })

    test('a problem to a head that never ends, and idle connections an end', async () => {
      const limits = { headersTimeoutMs: 100, keepAliveTimeoutMs: 1000, requestTimeoutMs: 300 }
      const { port } = await open(echo, limits)
      const slow = await dial(port)
      slow.socket.write('GET / HT')
      await slow.closed
      expect(slow.text()).toMatch(/^HTTP\/1.1 408 /)
      const idle = await dial(port)
      idle.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await idle.closed
      expect(idle.text()).toMatch(/^HTTP\/1.1 200 /)
    })

    test('a header that would end early is not sent', async () => {
      const thrown: unknown[] = []
      const { port } = await open((_, response) => {
        try {
          response.writeHead(200, ['x', 'a\r\nset-cookie: b'])
        } catch (error) {
          thrown.push(error)
          response.destroy()
        }
      })
      const { socket, closed, text } = await dial(port)
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await closed
      expect(thrown).toHaveLength(1)
      expect(text()).toBe('')
    })

    test('no new connection once it stops accepting, and those there are to the end', async () => {
      const { port, server } = await open(echo)
      const { socket, until, closed } = await dial(port)
      socket.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n')
      await until((all) => all.endsWith('/1 '))
      server.stopAccepting()
      await expect(dial(port)).rejects.toThrow(/ECONNREFUSED/)
      socket.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
      await until((all) => all.endsWith('/2 '))
      server.closeIdleConnections()
      await closed
      while (server.connections > 0) await sleep(5)
    })

    test('not on a port that is taken', async () => {
      const { port } = await open(echo)
      const other = create(defaultServerLimits, () => 'r1', echo)
      await expect(other.listen({ host: '127.0.0.1', port, reusePort: false }, 'X')).rejects.toThrow(/taken/)
    })
  })
}
