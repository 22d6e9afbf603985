import { isSlipwayError, SlipwayError } from '../kernel/index.ts'

/**
 * Connection trouble becomes `store_unavailable`; text that PostgreSQL cannot hold (U+0000, half a surrogate pair)
 * becomes `invalid_request`. All else stays as it is: a fault of ours, which the log shall show whole.
 */
export function asStoreError(error: unknown): unknown {
  if (isSlipwayError(error) || !(error instanceof Error)) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (UNSTORABLE_TEXT.has(code) || isHalfPair(error, code))
    return new SlipwayError(
      'invalid_request',
      { reason: 'A text holds U+0000 or half a surrogate pair, which cannot be stored.' },
      { cause: error },
    )
  if (UNREACHABLE.has(code) || code.startsWith('08') || LOST.test(error.message))
    return new SlipwayError('store_unavailable', { reason: reasonOf(error, code) }, { cause: error })
  return error
}

/** SQLSTATE of one constraint that was broken, by kind. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505'
}

export function isForeignKeyViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23503'
}

/** `invalid_byte_sequence` and `untranslatable_character`. */
const UNSTORABLE_TEXT = new Set(['22021', '22P05'])

/** jsonb says so in the detail of `invalid_text_representation`. */
function isHalfPair(error: Error, code: string): boolean {
  return code === '22P02' && 'detail' in error && String(error.detail).includes('surrogate')
}

/** A file could not be written for want of room; anything else stays as it is. */
export function asFullDisk(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return FULL.includes(code) ? asStoreError(error) : error
}

/** System errors of a full disk, or a full quota. */
const FULL = ['ENOSPC', 'EDQUOT']

/** System errors of the socket and the disk, and SQLSTATE of a server that stops, starts, is full or out of disk. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  ...FULL,
  '53100',
  '53200',
  '53300',
  '57P01',
  '57P02',
  '57P03',
])

/** node-postgres and PGlite say these without a code. */
const LOST =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|client has encountered a connection error|cannot use a pool after calling end|PGlite is clos/i

function reasonOf(error: Error, code: string): string {
  const message = error.message.split('\n')[0] ?? ''
  return message === '' ? code : message.replace(/\.$/, '')
}
