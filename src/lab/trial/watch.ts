import { SlipwayError } from '../../kernel/index.ts'
import type { Exchange } from '../target/target.ts'

/** Sees every exchange with a target and throws `target_failed` where going on would tell nothing. */
export interface Watch {
  inspect(exchange: Exchange): void
  readonly answeredBy: string | null
}

export function watchTarget(name: string, answeredBefore: string | null): Watch {
  let answeredBy = answeredBefore
  let seen = 0
  let limited = 0
  let unansweredInRow = 0
  return {
    get answeredBy() {
      return answeredBy
    },
    inspect(exchange) {
      seen++
      if (exchange.status === 429) limited++
      unansweredInRow = exchange.failure === 'unreachable' ? unansweredInRow + 1 : 0
      const hopeless = hopelessStatus(exchange.status)
      if (hopeless !== undefined) throw failed(name, ...hopeless)
      if (limited > Math.max(5, seen / 100))
        throw failed(name, `it limits the rate: ${limited} of ${seen} requests were refused (429)`, LIMITED)
      if (unansweredInRow >= 20)
        throw failed(
          name,
          `the last 20 requests got no answer (${exchange.reason})`,
          'See whether it still runs; run again to go on from the last whole block.',
        )
      if (exchange.answeredBy === null) return
      answeredBy ??= exchange.answeredBy
      if (exchange.answeredBy !== answeredBy)
        throw failed(
          name,
          `${answeredBy} answered at first, and now ${exchange.answeredBy}`,
          'Pin one version, or wait until the rollout ends; then measure anew.',
        )
    },
  }
}

const LIMITED = 'Lower --rate, ask with a key that may send more, or lift the limit for the measurement.'

/** The one request before all others: any failure of it is told at once. */
export function refuseFailedProbe(name: string, exchange: Exchange): void {
  const { failure, status, reason } = exchange
  if (failure === null) return
  const known = hopelessStatus(status)
  if (known !== undefined) throw failed(name, ...known)
  if (status === 429) throw failed(name, 'it limits the rate of the very first request (429)', LIMITED)
  const toDo = {
    timeout: 'Raise --timeout, or see what it waits for.',
    unreachable: 'Check the address, and that it runs.',
    status:
      status >= 500
        ? 'See the log of the target; one request must be answered first.'
        : 'Check path, model and --body.',
    garbage: 'Check that the kind before the + is what it speaks.',
    truncated: 'See the log of the target, or of the proxy before it.',
  }[failure]
  throw failed(name, reason, toDo)
}

function hopelessStatus(status: number): [reason: string, toDo: string] | undefined {
  if (status === 401 || status === 403)
    return [
      `it does not accept the key (${status})`,
      'Name the variable that holds its key with --key-env (--key-env-b for the second).',
    ]
  if (status === 404)
    return ['it does not know the path or the model (404)', 'Check the URL and the name after #.']
  return undefined
}

function failed(target: string, reason: string, toDo: string): SlipwayError {
  return new SlipwayError('target_failed', { target, reason, toDo })
}
