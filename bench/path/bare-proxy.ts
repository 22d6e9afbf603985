/** Passes a request's bytes on to the endpoint at the port given, and its answer back: what any proxy costs in Node. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'

const pool = new Pool(`http://127.0.0.1:${process.argv[2]}`, { connections: 64 })
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const answer: Buffer[] = []
    const headers = { 'content-type': 'application/json' }
    pool.dispatch(
      { path: '/predict', method: 'POST', headers, body: Buffer.concat(chunks) },
      {
        onRequestStart: () => undefined,
        onResponseStart: () => undefined,
        onResponseData: (_, chunk) => void answer.push(chunk),
        onResponseEnd: () => {
          const body = Buffer.concat(answer)
          response.writeHead(200, { ...headers, 'content-length': body.length }).end(body)
        },
        onResponseError: () => response.writeHead(502).end(),
      },
    )
  })
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
