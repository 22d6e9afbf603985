import { digestOf, SlipwayError } from '../kernel/index.ts'

const KEPT_AT_MOST = 10_000

/**
 * A POST with an `Idempotency-Key` is carried out once; the same key again gets the first answer, the same key with
 * another body is refused. Remembered per caller, in this process, for the last 10,000 keys: a retry comes within
 * seconds; what must be safe across restarts is safe by its own name (versions, deployments, artifacts).
 */
export function createIdempotency(): <T>(
  caller: string,
  key: string | undefined,
  request: unknown,
  act: () => Promise<T>,
) => Promise<T> {
  const remembered = new Map<string, { request: string; answer: Promise<unknown> }>()
  return async <T>(
    caller: string,
    key: string | undefined,
    request: unknown,
    act: () => Promise<T>,
  ): Promise<T> => {
    if (key === undefined) return await act()
    const name = `${caller} ${key}`
    const digest = digestOf(request)
    const known = remembered.get(name)
    if (known !== undefined) {
      if (known.request !== digest)
        throw new SlipwayError('conflict', { what: 'A request with this Idempotency-Key and another body' })
      return (await known.answer) as T
    }
    if (remembered.size >= KEPT_AT_MOST) remembered.delete(remembered.keys().next().value as string)
    const answer = act()
    remembered.set(name, { request: digest, answer })
    // A failure is not an answer to keep: the retry shall try again.
    answer.catch(() => remembered.delete(name))
    return await answer
  }
}
