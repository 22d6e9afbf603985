/** A remote endpoint that answers at once: one row of the digits model, whatever it is asked. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const probabilities = Array.from({ length: 10 }, (_, index) => index / 45)
const body = Buffer.from(JSON.stringify({ outputs: [{ label: 9, probabilities }] }))
const server = createServer((request, response) => {
  request
    .resume()
    .on('end', () =>
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
        .end(body),
    )
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
