import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../kernel/index.ts'
import { compileRows } from '../link/index.ts'
import { checkedEndpoint, isInnerAddress, outerLookup } from './address-guard.ts'
import { httpUpstream } from './index.ts'
import { conformsToUpstream, type OtherSide } from './upstream.conformance.ts'
import type { UpstreamOutcome } from './upstream.ts'

const inputs = compileRows([{ name: 'pixels', dtype: 'float32', shape: [4] }], 'm')
const outputs = compileRows([{ name: 'score', dtype: 'float32', shape: [] }], 'm')
const upstreamAt = (port: number, path = '/predict') =>
  httpUpstream({
    id: 'remote',
    url: `http://127.0.0.1:${port}${path}`,
    model: 'm',
    version: 'v1',
    inputs,
    outputs,
    allowInner: true,
    clock: systemClock,
  })

conformsToUpstream('a remote endpoint over HTTP', async () => {
  const other = await httpSide()
  return { upstream: upstreamAt(other.port), other }
})

describe('an answer that is not one', () => {
  const answers: [string, (response: ServerResponse) => void, string][] = [
    ['a redirect', (response) => response.writeHead(302, { location: '/elsewhere' }).end(), 'model_failed'],
    ['text', (response) => response.end('hello'), 'model_failed'],
    ['other fields', (response) => response.end('{"outputs":[{"colour":1}]}'), 'model_failed'],
    ['NaN in disguise', (response) => response.end('{"outputs":[{"score":1e999}]}'), 'model_failed'],
    [
      'half of it',
      (response) => {
        response.writeHead(200, { 'content-length': '50' }).write('{"outp', () => response.destroy())
      },
      'replica_lost',
    ],
    ['too much', (response) => response.end(' '.repeat(9_000_000)), 'model_failed'],
    ['that it is full', (response) => response.writeHead(503).end(), 'overloaded'],
  ]
  test.each(answers)('%s', async (_, answer, code) => {
    const seen: string[] = []
    const server = await serve((request, response) => {
      seen.push(request.url as string)
      request.resume().on('end', () => answer(response))
    })
    const upstream = upstreamAt(portOf(server))
    const outcome = await new Promise<UpstreamOutcome>((resolve) =>
      upstream.infer({ rows: 1, body: Buffer.alloc(16), deadlineMs: 2000 }, resolve),
    )
    expect(outcome).toMatchObject({ ok: false, code })
    expect(seen).toEqual(['/predict'])
    await upstream.close()
    server.closeAllConnections()
    server.close()
  })
})

describe('who may be called', () => {
  test.each([
    ['127.0.0.1', true],
    ['10.1.2.3', true],
    ['169.254.169.254', true],
    ['100.64.0.1', true],
    ['192.168.1.1', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['fe80::1', true],
    ['fd00::1', true],
    ['8.8.8.8', false],
    ['2606:4700::1111', false],
  ])('%s is inside: %s', (address, inside) => expect(isInnerAddress(address)).toBe(inside))

  test.each([
    'file:///etc/passwd',
    'not a url',
    'http://user:pass@example.com/',
    'http://169.254.169.254/latest',
    'http://[::1]/',
  ])('%s is refused', (url) =>
    expect(() => checkedEndpoint(url, false)).toThrow(expect.objectContaining({ code: 'invalid_request' })),
  )

  test('a name that resolves inside is refused when it is about to be connected', async () => {
    const error = await new Promise((resolve) =>
      outerLookup('localhost', { all: true }, (failure) => resolve(failure)),
    )
    expect(error).toMatchObject({ code: 'invalid_request' })
    const upstream = httpUpstream({
      id: 'remote',
      url: 'http://localhost:9/predict',
      model: 'm',
      version: 'v1',
      inputs,
      outputs,
      allowInner: false,
      clock: systemClock,
    })
    const outcome = await new Promise<UpstreamOutcome>((resolve) =>
      upstream.infer({ rows: 1, body: Buffer.alloc(16), deadlineMs: 2000 }, resolve),
    )
    expect(outcome).toMatchObject({ ok: false, code: 'replica_unready' })
    await upstream.close()
  })
})

async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  port = 0,
): Promise<Server> {
  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

async function httpSide(): Promise<OtherSide & { port: number }> {
  const state = { isHolding: false, failNext: false, seen: 0, cancelled: 0 }
  let held: (() => void)[] = []
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      state.seen++
      response.on('close', () => {
        if (!response.writableFinished) state.cancelled++
      })
      const answer = () => {
        const rows = (JSON.parse(Buffer.concat(chunks).toString()) as { inputs: { pixels: number[] }[] })
          .inputs
        const sums = rows.map(({ pixels }) => ({ score: pixels.reduce((sum, value) => sum + value, 0) }))
        response.end(JSON.stringify({ outputs: sums }))
      }
      if (state.failNext) {
        state.failNext = false
        response.writeHead(502).end()
      } else if (state.isHolding) held.push(answer)
      else answer()
    })
  }
  let server = await serve(handle)
  const port = portOf(server)
  const stop = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  return {
    port,
    hold: () => {
      state.isHolding = true
    },
    release: () => {
      state.isHolding = false
      const waiting = held
      held = []
      for (const answer of waiting) answer()
    },
    failNext: () => {
      state.failNext = true
    },
    seen: () => state.seen,
    cancelled: () => state.cancelled,
    vanish: stop,
    comeBack: async () => {
      state.isHolding = false
      server = await serve(handle, port)
    },
    close: stop,
  }
}
