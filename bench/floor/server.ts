/**
 * The model server of the floor: all frames of a turn of the event loop in one ONNX call, nothing else. No queue, no
 * deadlines, no checks. Frame: u32 length behind it, u32 id, u32 rows, then rows of 64 float32; back: u32 length, u32
 * id, u32 rows, then int64 label and 10 float32 a row.
 *
 *   node bench/floor/server.ts <socket path>
 */
import { createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { InferenceSession, Tensor } from 'onnxruntime-node'

const ROW_BYTES = 256
const OUT_BYTES = 48
const session = await InferenceSession.create(fileURLToPath(new URL('digits.onnx', import.meta.url)), {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
})
interface Waiting {
  readonly socket: Socket
  readonly id: number
  readonly rows: number
  readonly body: Buffer
}
let waiting: Waiting[] = []
let isRunning = false

async function run(): Promise<void> {
  isRunning = true
  while (waiting.length > 0) {
    const batch = waiting
    waiting = []
    const rows = batch.reduce((sum, one) => sum + one.rows, 0)
    const data = new Float32Array(rows * 64)
    const bytes = Buffer.from(data.buffer)
    let at = 0
    for (const { body } of batch) {
      bytes.set(body, at)
      at += body.length
    }
    const { label, probabilities } = await session.run({ features: new Tensor('float32', data, [rows, 64]) })
    const labels = Buffer.from((label!.data as BigInt64Array).buffer)
    const scores = Buffer.from((probabilities!.data as Float32Array).buffer)
    const out = Buffer.allocUnsafe(batch.length * 12 + rows * OUT_BYTES)
    let row = 0
    at = 0
    for (const one of batch) {
      out.writeUInt32LE(8 + one.rows * OUT_BYTES, at)
      out.writeUInt32LE(one.id, at + 4)
      out.writeUInt32LE(one.rows, at + 8)
      at += 12
      for (let end = row + one.rows; row < end; row++) {
        labels.copy(out, at, row * 8, row * 8 + 8)
        scores.copy(out, at + 8, row * 40, row * 40 + 40)
        at += OUT_BYTES
      }
    }
    batch[0]!.socket.write(out)
  }
  isRunning = false
}

createServer((socket) => {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    while (bytes.length - at >= 4) {
      const end = at + 4 + bytes.readUInt32LE(at)
      if (bytes.length < end) break
      const rows = bytes.readUInt32LE(at + 8)
      if (end - at - 12 !== rows * ROW_BYTES) throw new Error('bad frame')
      waiting.push({ socket, id: bytes.readUInt32LE(at + 4), rows, body: bytes.subarray(at + 12, end) })
      at = end
    }
    rest = bytes.subarray(at)
    if (!isRunning) void run()
  })
}).listen(process.argv[2], () => process.send?.('ready'))
