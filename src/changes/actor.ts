import type { Change, ChangeEvent, Scope } from '../contracts/index.ts'
import { holdsScope } from '../kernel/index.ts'

/**
 * Who acts: the key. Its public id tells one actor from another; the name is what people read, and anybody may give a
 * second key the same one.
 */
export interface Actor {
  readonly name: string
  readonly publicId: string
  readonly scopes: readonly Scope[]
}

/** As an event or a sign-off names an actor; records of before keys were written down have the name alone. */
export interface Signer {
  readonly name: string
  readonly key?: string | undefined
}

export function signerOf({ name, publicId }: Actor): Signer {
  return { name, key: publicId }
}

/** Whoever proposed the change. */
export function authorOf({ author }: Pick<Change, 'author'>, events: readonly ChangeEvent[]): Signer {
  const key = events[0]?.data.key
  return { name: author, ...(typeof key === 'string' && { key }) }
}

/** By key; by name only where one of the two was written down without a key. */
export function isSame(left: Signer, right: Signer): boolean {
  if (left.key === undefined || right.key === undefined) return left.name === right.name
  return left.key === right.key
}

export function mayDeploy({ scopes }: Pick<Actor, 'scopes'>): boolean {
  return holdsScope(scopes, 'deploy')
}
