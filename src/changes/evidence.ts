import { type ChangeEvent, type Evidence, type SignOff, signOff } from '../contracts/index.ts'
import { canonicalJson, digestOf } from '../kernel/index.ts'

/** The digest of everything in a piece of evidence but its own hash. */
export function hashOf(evidence: Evidence): string {
  const { hash: _, ...rest } = evidence
  return digestOf(rest)
}

/** A value as it will be read back: what JSON cannot carry is gone before anything is judged or hashed. */
export function asStored<T>(value: T): T {
  return JSON.parse(canonicalJson(value)) as T
}

/** Another seed for another attempt, the same one for anybody who asks again. */
export function seedOf(changeId: string, attempt: number): number {
  return Number.parseInt(digestOf({ change: changeId, attempt }).slice(7, 15), 16)
}

/** Signatures as the chain holds them; the table of sign-offs is a copy for lists. */
export function signOffsOf(events: readonly ChangeEvent[]): SignOff[] {
  return events.filter((event) => event.type === 'sign-off-given').map((event) => signOff.parse(event.data))
}
