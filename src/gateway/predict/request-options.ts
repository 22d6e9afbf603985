import type { IncomingHttpHeaders } from 'node:http'
import { headerNames } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { GatewayLimits } from '../limits.ts'

export const JSON_MEDIA = 'application/json'
export const RAW = 'application/octet-stream'

const MAX_UNIT_LENGTH = 256

/** Which of the two forms the body has. Throws `unsupported_media_type`, for encoded bodies too. */
export function mediaOf(headers: IncomingHttpHeaders): typeof JSON_MEDIA | typeof RAW {
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') throw unsupported(`content-encoding ${encoding}`)
  const type = headers['content-type']
  if (type === JSON_MEDIA || type === RAW) return type
  const bare = type?.split(';', 1)[0]?.trim().toLowerCase()
  if (bare === JSON_MEDIA || bare === RAW) return bare
  throw unsupported(type ?? 'a body without content-type')
}

export function timeoutOf(
  headers: IncomingHttpHeaders,
  limits: Pick<GatewayLimits, 'defaultTimeoutMs' | 'maxTimeoutMs'>,
): number {
  const header = headers[headerNames.timeoutMs]
  if (header === undefined) return limits.defaultTimeoutMs
  const timeoutMs = Number(header)
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > limits.maxTimeoutMs)
    throw invalid(`${headerNames.timeoutMs} must be a whole number from 1 to ${limits.maxTimeoutMs}.`)
  return timeoutMs
}

export function unitOf(headers: IncomingHttpHeaders): string | undefined {
  const unit = headers[headerNames.unit]
  if (unit === undefined || unit === '') return undefined
  if (typeof unit !== 'string' || unit.length > MAX_UNIT_LENGTH)
    throw invalid(`${headerNames.unit} must have at most ${MAX_UNIT_LENGTH} characters.`)
  return unit
}

/** `?version=` pins the version of raw rows, which have no other place to say it. */
export function pinnedByQuery(query: string, media: string): string | undefined {
  if (query === '') return undefined
  let pinned: string | undefined
  for (const [name, value] of new URLSearchParams(query)) {
    if (name !== 'version' || media !== RAW)
      throw invalid(
        name === 'version'
          ? 'The version of JSON rows is params.version in the body.'
          : `The query parameter ${JSON.stringify(name.slice(0, 100))} is not known here.`,
      )
    pinned = value
  }
  return pinned
}

function invalid(reason: string): SlipwayError {
  return new SlipwayError('invalid_request', { reason })
}

function unsupported(mediaType: string): SlipwayError {
  return new SlipwayError('unsupported_media_type', { mediaType: mediaType.slice(0, 100) })
}
