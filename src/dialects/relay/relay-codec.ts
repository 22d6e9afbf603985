import { relayAnthropic } from '../anthropic/relay-row.ts'
import type { DialectName, UpstreamProblem } from '../dialect.ts'
import { UpstreamBroken } from '../dialect.ts'
import { objectOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import { relayResponses } from '../responses/relay-row.ts'
import { relayChat, relayCompletions } from './openai-row.ts'
import type { RelayFound, RelayRow } from './relay-row.ts'
import { nothingFound, type RelayOptions, RelayScanner } from './relay-scanner.ts'

/** Bytes that a client gets as they are: how they are looked at. */
export interface DialectRelay {
  scanner(options: RelayOptions): RelayScanner
  /** Of a whole answer. Throws `UpstreamBroken` for a body that is none, and for an error inside a 200. */
  readWhole(body: Buffer): RelayFound
  readError(status: number, body: Buffer): UpstreamProblem
}

const rows: readonly RelayRow[] = [relayChat, relayCompletions, relayResponses, relayAnthropic]

const relays: ReadonlyMap<DialectName, DialectRelay> = new Map(rows.map((row) => [row.name, relayOf(row)]))

/** Undefined for dialects that are always translated. */
export function dialectRelay(name: DialectName): DialectRelay | undefined {
  return relays.get(name)
}

function relayOf(row: RelayRow): DialectRelay {
  return {
    scanner: (options) => new RelayScanner(row, options),
    readWhole(body) {
      const found = nothingFound()
      row.readWhole(objectIn(body), found)
      return found
    },
    readError: (status, body) => row.readError(status, body),
  }
}

function objectIn(body: Buffer) {
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    throw new UpstreamBroken(brokenProblem('its answer is not JSON, or not all of it'))
  }
  const answer = objectOf(value)
  if (answer === undefined) throw new UpstreamBroken(brokenProblem('its answer is not a JSON object'))
  return answer
}
