/** The other side of `threadRunner`: opens the session it is told to, and answers one batch after the other. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { localRunner, type OnnxRunner, openSession, type SessionWish } from './onnx-session.ts'
import type { ThreadReply, ThreadRequest } from './onnx-thread.ts'

const port = parentPort as MessagePort
const wish = workerData as SessionWish

function reply(message: ThreadReply): void {
  port.postMessage(message)
}

async function serve(runner: OnnxRunner, { id, batch }: ThreadRequest): Promise<void> {
  if (batch === undefined) {
    await runner.release()
    port.close()
    return
  }
  try {
    reply({ id, outputs: await runner.run(batch) })
  } catch (error) {
    reply({ id, failure: messageOf(error) })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

try {
  const runner = localRunner(await openSession(wish.path, wish.threads), wish)
  port.on('message', (request: ThreadRequest) => void serve(runner, request))
  reply({ id: 0 })
} catch (error) {
  reply({ id: 0, failure: messageOf(error) })
}
