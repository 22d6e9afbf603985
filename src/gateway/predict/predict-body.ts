import { isUtf8 } from 'node:buffer'
import { SlipwayError } from '../../kernel/index.ts'
import { MAX_JSON_DEPTH, scanJson } from '../server/json-scan.ts'

export interface PredictBody {
  readonly inputs: readonly unknown[]
  readonly version: string | undefined
  readonly user: string | undefined
}

/** Below this a body cannot hold enough levels or rows to hurt, so it is parsed at once. */
const SCAN_FROM_BYTES = 65_536
const MAX_USER_LENGTH = 256

/**
 * The outer form of a predict body (`predictRequest` in the contracts, by hand, since this runs for every request);
 * rows are left to the codec of the model. Throws `body_not_json`, `body_too_deep`, `too_many_rows`, `invalid_request`.
 */
export function parsePredictBody(bytes: Buffer, maxRows: number): PredictBody {
  if (bytes.length > SCAN_FROM_BYTES) checkShape(bytes, maxRows)
  const body = parseJson(bytes)
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    refuseDeep(bytes)
    throw invalid('', 'The body must be an object with "inputs".')
  }
  const { inputs, params, user } = body as Record<string, unknown>
  for (const name of Object.keys(body))
    if (name !== 'inputs' && name !== 'params' && name !== 'user') {
      refuseDeep(bytes)
      throw invalid(pointerTo(name), `The field ${quoted(name)} is not known here.`)
    }
  if (!Array.isArray(inputs)) throw invalid('/inputs', 'inputs must be an array of rows.')
  if (inputs.length === 0) throw invalid('/inputs', 'inputs holds no rows.')
  if (inputs.length > maxRows) throw tooManyRows(inputs.length, maxRows)
  if (user !== undefined && (typeof user !== 'string' || user.length > MAX_USER_LENGTH))
    throw invalid('/user', `user must be text of at most ${MAX_USER_LENGTH} characters.`)
  return { inputs, user, version: params === undefined ? undefined : versionOf(params) }
}

export function tooManyRows(rows: number, limit: number): SlipwayError {
  return new SlipwayError('too_many_rows', { rows, limit })
}

/** A body that nests too deep is told so, where another complaint would hide it. */
export function refuseDeep(bytes: Buffer): void {
  if (scanJson(bytes, MAX_JSON_DEPTH, Number.POSITIVE_INFINITY).depth > MAX_JSON_DEPTH)
    throw new SlipwayError('body_too_deep', { limit: MAX_JSON_DEPTH })
}

function checkShape(bytes: Buffer, maxRows: number): void {
  const { depth, rows } = scanJson(bytes, MAX_JSON_DEPTH, maxRows)
  if (depth > MAX_JSON_DEPTH) throw new SlipwayError('body_too_deep', { limit: MAX_JSON_DEPTH })
  if (rows > maxRows)
    throw new SlipwayError('too_many_rows', { rows: `${maxRows + 1} or more`, limit: maxRows })
}

function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new SlipwayError('body_not_json', { reason: 'it is not UTF-8' })
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new SlipwayError('body_not_json', { reason: (error as Error).message }, { cause: error })
  }
}

function versionOf(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    throw invalid('/params', 'params must be an object.')
  const { version } = params as Record<string, unknown>
  for (const name of Object.keys(params))
    if (name !== 'version')
      throw invalid(`/params${pointerTo(name)}`, `The parameter ${quoted(name)} is not known here.`)
  if (version !== undefined && typeof version !== 'string')
    throw invalid('/params/version', 'params.version must be a version label.')
  return version
}

function invalid(pointer: string, reason: string): SlipwayError {
  return new SlipwayError('invalid_request', { reason }, { pointer })
}

/** Names are the client's, so what is told of them is bounded. */
function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 100))
}

/** RFC 6901: ~ and / are escaped. */
function pointerTo(name: string): string {
  return `/${name.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`
}
