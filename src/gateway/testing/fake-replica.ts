import type { ModelContract } from '../../contracts/index.ts'
import { digestOf, systemClock } from '../../kernel/index.ts'
import {
  compileRows,
  createLinkServer,
  type LinkExchange,
  type LinkServer,
  type TensorBatch,
} from '../../link/index.ts'

export const NO_TIME = { computeUs: 1500, queueUs: 250, preprocessUs: 0 }

/** Features in, their sum out. */
export const sumContract: ModelContract = {
  inputs: [{ name: 'pixels', dtype: 'float32', shape: [4] }],
  outputs: [{ name: 'score', dtype: 'float32', shape: [] }],
}

export interface FakeReplica {
  readonly id: string
  readonly address: string
  /** Requests that reached it and are not settled. */
  readonly open: LinkExchange[]
  readonly seen: number
  readonly cancelled: number
  /** What it does with a request; `answer` at first. */
  behave: (exchange: LinkExchange) => void
  /** Breaks every connection at once. */
  kill(): Promise<void>
  drain(timeoutMs: number): Promise<number>
}

/** A real link server whose model is a sum; holds, fails or answers as the test says. */
export async function fakeReplica(
  address: string,
  id: string,
  contract: ModelContract = sumContract,
): Promise<FakeReplica> {
  const state = { open: [] as LinkExchange[], seen: 0, cancelled: 0, behave: sumAnswerer(contract) }
  const server: LinkServer = createLinkServer({
    clock: systemClock,
    hello: {
      protocol: 1,
      model: 'm',
      version: 'v1',
      replica: id,
      contract: digestOf(contract),
      credit: { rows: 100_000, bytes: 64 * 1024 * 1024 },
    },
    onRequest: (exchange) => {
      state.seen++
      state.open.push(exchange)
      exchange.onCancel = () => {
        state.cancelled++
      }
      state.behave(exchange)
    },
  })
  const bound = await server.listen(address)
  return Object.assign(state, {
    id,
    address: bound,
    kill: () => server.close(),
    drain: (timeoutMs: number) => server.drain(timeoutMs),
  })
}

export function sumAnswerer(contract: ModelContract): (exchange: LinkExchange) => void {
  const inputs = compileRows(contract.inputs, 'm')
  const outputs = compileRows(contract.outputs, 'm')
  const name = contract.inputs[0]?.name as string
  return (exchange) => {
    const tensor = inputs.decode([{ body: exchange.body, rows: exchange.rows }]).tensors[name]
    const data = tensor?.data as Float32Array
    const width = data.length / exchange.rows
    const scores = Float32Array.from({ length: exchange.rows }, (_, row) =>
      data.subarray(row * width, (row + 1) * width).reduce((sum, value) => sum + value, 0),
    )
    const batch: TensorBatch = {
      rows: exchange.rows,
      tensors: { score: { dtype: 'float32', shape: [exchange.rows], data: scores } },
    }
    exchange.answer(exchange.rows, outputs.encode(batch), NO_TIME)
  }
}
