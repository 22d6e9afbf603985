import { SlipwayError } from '../kernel/index.ts'

/** The revision that a write expects, of its If-Match; undefined where it takes any. */
export function revisionOf(ifMatch: string | string[] | undefined): number | undefined {
  if (ifMatch === undefined || ifMatch === '*') return undefined
  const revision = /^"(\d+)"$/.exec(String(ifMatch))?.[1]
  if (revision === undefined)
    throw new SlipwayError('invalid_request', { reason: 'If-Match must be an ETag that was sent, like "7".' })
  return Number(revision)
}
