import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { jsonPoster } from './post-json.ts'

const poster = jsonPoster()
const never = new AbortController().signal
let server: Server
let url: string

beforeAll(async () => {
  server = createServer((request, response) => {
    const status = Number(new URL(request.url ?? '/', 'http://x').searchParams.get('status') ?? 200)
    if (request.url?.startsWith('/hang')) return
    if (request.url?.startsWith('/large')) response.end(`"${'x'.repeat(2_000_000)}"`)
    else if (request.url?.startsWith('/text')) response.end('hello')
    else {
      response.writeHead(status, status === 302 ? { location: '/' } : {})
      request.pipe(response)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await poster.close()
})

test('sends JSON and gives JSON back', async () =>
  expect(await poster.post(url, { text: 'ü' }, never, true)).toEqual({ text: 'ü' }))

test.each([
  ['a private address that nobody allowed', '', false, /is not a public address/],
  ['another status', '?status=500', true, /status is 500/],
  ['a redirect, which is not followed', '?status=302', true, /status is 302/],
  ['no JSON', '/text', true, /JSON/],
  ['an answer without end', '/large', true, /larger than/],
])('rejects %s', (_, path, allowInner, says) =>
  expect(poster.post(`${url}${path}`, {}, never, allowInner)).rejects.toThrow(says),
)

test('stops when nobody waits', async () => {
  const left = new AbortController()
  const asked = poster.post(`${url}/hang`, {}, left.signal, true)
  left.abort(new Error('gone'))
  await expect(asked).rejects.toThrow('gone')
})
