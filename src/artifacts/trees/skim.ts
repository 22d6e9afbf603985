import { Unreadable } from '../unreadable.ts'

/** Values of a tree file that are kept; the trees themselves are passed over. */
export type Skimmed =
  | string
  | number
  | boolean
  | null
  | readonly Skimmed[]
  | { readonly [key: string]: Skimmed }

/** Is what stands at this path (keys joined by dots) passed over? */
export type SkipPath = (path: string) => boolean

export const MOST_DEPTH = 64
const MOST_KEPT = 500_000

/** Counts what is kept, so that no file makes us hold more than was meant. */
export function keeper(): (at: number) => void {
  let kept = 0
  return (at) => {
    if (++kept > MOST_KEPT) throw new Unreadable(at, `at most ${MOST_KEPT} values beside the trees`, 'more')
  }
}

/** `__proto__` is a key like any other. */
export function put(object: Record<string, Skimmed>, key: string, value: Skimmed): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
