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
