/**
 * The gateway of the floor: key check, JSON or raw rows, one frame to one socket, JSON back. No routing, no limits, no
 * records, no errors worth the name.
 *
 *   node bench/floor/gateway.ts <socket path>
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'

const PEPPER = 'pepper'
const mac = (secret: string) => createHmac('sha256', PEPPER).update(secret).digest()
const keys = new Map([['bench', mac('secret')]])
const link = connect(process.argv[2] ?? '')
const inFlight = new Map<number, ServerResponse>()
let outgoing: Buffer[] = []
let lastId = 0
let rest: Buffer = Buffer.alloc(0)

function send(rows: number, body: Buffer, response: ServerResponse): void {
  lastId = (lastId + 1) >>> 0
  inFlight.set(lastId, response)
  const head = Buffer.allocUnsafe(12)
  head.writeUInt32LE(8 + body.length, 0)
  head.writeUInt32LE(lastId, 4)
  head.writeUInt32LE(rows, 8)
  if (outgoing.length === 0) {
    setImmediate(() => {
      link.write(Buffer.concat(outgoing))
      outgoing = []
    })
  }
  outgoing.push(head, body)
}

link.on('data', (chunk: Buffer) => {
  const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
  let at = 0
  while (bytes.length - at >= 4) {
    const end = at + 4 + bytes.readUInt32LE(at)
    if (bytes.length < end) break
    const id = bytes.readUInt32LE(at + 4)
    const response = inFlight.get(id)!
    inFlight.delete(id)
    const outputs: unknown[] = []
    for (let row = at + 12; row < end; row += 48) {
      const probabilities: number[] = []
      for (let index = 0; index < 10; index++) probabilities.push(bytes.readFloatLE(row + 8 + index * 4))
      outputs.push({ label: Number(bytes.readBigInt64LE(row)), probabilities })
    }
    const text = JSON.stringify({ model: 'digits', version: 'v1', outputs })
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
      .end(text)
    at = end
  }
  rest = bytes.subarray(at)
})

const server = createServer((request, response) => {
  const [, id = '', secret = ''] = /^Bearer (\w+)_(\w+)$/.exec(request.headers.authorization ?? '') ?? []
  const wanted = keys.get(id)
  if (wanted === undefined || !timingSafeEqual(wanted, mac(secret))) {
    response.writeHead(401).end()
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    if (request.headers['content-type'] === 'application/octet-stream') {
      send(body.length / 256, body, response)
      return
    }
    const { inputs } = JSON.parse(body.toString()) as { inputs: { features: number[] }[] }
    const data = new Float32Array(inputs.length * 64)
    for (let row = 0; row < inputs.length; row++) data.set(inputs[row]!.features, row * 64)
    send(inputs.length, Buffer.from(data.buffer), response)
  })
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
