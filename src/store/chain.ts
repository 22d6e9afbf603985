import type { ChangeEvent } from '../contracts/index.ts'
import { canonicalJson, digestOf } from '../kernel/index.ts'
import type { NewEvent } from './store.ts'

/**
 * The next link of a change's log. Its hash is the SHA-256 of the canonical JSON of everything else in it, the hash of
 * the link before included, so no link can be changed, dropped or put in between without all after it changing.
 * @param previous the newest link; undefined at the start.
 */
export function chainEvent(change: string, event: NewEvent, previous: ChainHead | undefined): ChangeEvent {
  const link = {
    change,
    sequence: previous === undefined ? 0 : previous.sequence + 1,
    at: event.at,
    actor: event.actor,
    type: event.type,
    // What is hashed is what is stored: members that JSON drops are dropped before.
    data: JSON.parse(canonicalJson(event.data)) as Record<string, unknown>,
    previousHash: previous === undefined ? null : previous.hash,
  }
  return { ...link, hash: digestOf(link) }
}

export interface ChainHead {
  readonly sequence: number
  readonly hash: string
}

/** Undefined when the whole log holds together; else the first link that does not, and why. In order of sequence. */
export function verifyChain(events: readonly ChangeEvent[]): ChainFault | undefined {
  let previous: ChangeEvent | undefined
  for (const [index, event] of events.entries()) {
    const reason = faultOf(event, index, previous)
    if (reason !== undefined) return { sequence: event.sequence, reason }
    previous = event
  }
  return undefined
}

export interface ChainFault {
  readonly sequence: number
  readonly reason: string
}

function faultOf(event: ChangeEvent, index: number, previous: ChangeEvent | undefined): string | undefined {
  const { hash, ...link } = event
  if (event.sequence !== index) return `event ${index} is missing`
  if (previous !== undefined && event.change !== previous.change) return 'it belongs to another change'
  if (event.previousHash !== (previous?.hash ?? null)) return 'it does not follow the event before it'
  return digestOf(link) === hash ? undefined : 'its content is not what was hashed'
}
