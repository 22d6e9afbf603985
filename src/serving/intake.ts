import type { BatchPolicy } from '../contracts/index.ts'
import { type LinkExchange, LinkProtocolError, type RowCodec } from '../link/index.ts'
import type { Batcher } from './batcher/batcher.ts'
import { type RequestPart, WholeRequest } from './request-part.ts'

export interface IntakeOptions {
  readonly model: string
  readonly version: string
  readonly inputs: RowCodec
  readonly policy: BatchPolicy
  readonly batcher: Batcher<RequestPart>
  readonly onRefused: (code: string) => void
}

/**
 * From the link to the queue. A request with more rows than a batch is cut into parts of a batch's size, which run one
 * after the other and fill up with others' rows: memory stays bounded by the batch, and nobody's rows are refused for
 * their number alone, up to what the queue holds.
 */
export function intake(options: IntakeOptions): (exchange: LinkExchange) => void {
  const { model, version, inputs, policy, batcher, onRefused } = options
  const withdraw = (part: RequestPart) => void batcher.withdraw(part)
  const refuse = (
    exchange: LinkExchange,
    code: 'overloaded' | 'too_many_rows' | 'internal',
    parameters: Record<string, string | number>,
    detail?: string,
  ) => {
    onRefused(code)
    exchange.fail(code, parameters, { retrySafe: true, ...(detail === undefined ? {} : { detail }) })
  }

  return (exchange) => {
    const { rows, body } = exchange
    if (rows > policy.maxQueueRows) {
      refuse(exchange, 'too_many_rows', { rows, limit: policy.maxQueueRows })
      return
    }
    const refusal = batcher.refusal(rows, exchange.deadlineAtMs)
    if (refusal !== undefined) {
      const { reason, retryAfterMs } = refusal
      const what = reason === 'full' ? `The queue of ${model} ${version}` : `The time of ${model} ${version}`
      refuse(exchange, 'overloaded', { what, retryAfterMs }, `${reason}: ${batcher.queuedRows} rows wait`)
      return
    }
    try {
      const whole = new WholeRequest(exchange, { model, version }, withdraw)
      if (rows <= policy.maxBatchSize) {
        batcher.submit(whole.add(rows, body, inputs.inspect(body, rows)))
        return
      }
      const shapeKey = inputs.inspect(body, rows)
      for (const part of inputs.split(body, rows, policy.maxBatchSize))
        whole.add(part.rows, part.body, shapeKey)
      for (const part of whole.parts) batcher.submit(part)
    } catch (error) {
      // Rows are checked where they come in; bytes that do not fit here are a fault between our own processes.
      if (!(error instanceof LinkProtocolError)) throw error
      refuse(exchange, 'internal', {}, error.message)
    }
  }
}
