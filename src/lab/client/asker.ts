import type { CheckName, DatasetItem } from '../../contracts/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { checkFailed, failureName, fatalReason } from './failures.ts'
import type { GatewayClient, Outcome } from './gateway-client.ts'
import { pinnedBody } from './requests.ts'

export interface Answer {
  /** One row of outputs per row asked, or null when there is no usable answer. */
  readonly outputs: readonly Record<string, unknown>[] | null
  /** Why there is none: `timeout`, `status 502`, `not json`. */
  readonly unscored: string | null
}

export interface Asker {
  ask(version: string, rows: readonly DatasetItem['inputs'][]): Promise<Answer>
}

/** Busy or unreachable is tried again so often; anything else is an outcome of the version and is not. */
const TRIES = 4
const WAIT_MS = 200
const MAX_WAIT_MS = 2000
/** So many failures in a row are not a property of items. */
const MAX_CONSECUTIVE_FAILURES = 50

/**
 * Asks pinned versions for answers. Rejects with `check_failed` when asking further is senseless: key refused, version
 * unknown or another one answering, gateway gone, rate limit in the way.
 */
export function createAsker(options: {
  readonly check: CheckName
  readonly client: GatewayClient
  readonly clock: Clock
  readonly signal: AbortSignal
}): Asker {
  let failuresInARow = 0
  return {
    ask: async (version, rows) => {
      const outcome = await askPatiently(options, version, pinnedBody(version, rows))
      const answer = readAnswer(outcome, rows.length)
      failuresInARow = answer.outputs === null ? failuresInARow + 1 : 0
      if (failuresInARow >= MAX_CONSECUTIVE_FAILURES) {
        throw checkFailed(
          options.check,
          `${failuresInARow} requests in a row failed, the last with ${answer.unscored}`,
        )
      }
      return answer
    },
  }
}

async function askPatiently(
  { check, client, clock, signal }: Parameters<typeof createAsker>[0],
  version: string,
  body: Buffer,
): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    const outcome = await client.ask(body)
    signal.throwIfAborted()
    const fatal = fatalReason(outcome, version)
    if (fatal !== undefined) throw checkFailed(check, fatal)
    const isBusy = outcome.status === 429 || outcome.status === 503 || outcome.kind === 'unreachable'
    if (!isBusy) return outcome
    if (attempt === TRIES) {
      if (outcome.kind === 'unreachable')
        throw checkFailed(check, `the gateway cannot be reached (${outcome.reason})`)
      if (outcome.status === 429) throw checkFailed(check, 'the rate limit of the key is in the way (429)')
      return outcome
    }
    await clock.sleep(Math.min(outcome.retryAfterMs ?? WAIT_MS * 2 ** (attempt - 1), MAX_WAIT_MS), signal)
  }
}

function readAnswer(outcome: Outcome, rows: number): Answer {
  if (outcome.kind !== 'answered') return { outputs: null, unscored: failureName(outcome) }
  try {
    const outputs = (JSON.parse(outcome.body) as { outputs?: unknown }).outputs
    if (!Array.isArray(outputs) || outputs.length !== rows || !outputs.every(isRecord))
      return { outputs: null, unscored: 'answer of another form' }
    return { outputs, unscored: null }
  } catch {
    return { outputs: null, unscored: 'answer is not JSON' }
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
