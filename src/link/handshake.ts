import { type ErrorCode, errorTable } from '../contracts/index.ts'
import { headerObject, LinkProtocolError } from './frame.ts'
import type { LinkErrorCode, LinkFailure, LinkHello } from './link.ts'

type Parameters = LinkFailure['parameters']

export function failure(
  code: LinkErrorCode,
  parameters: Parameters,
  detail: string,
  retrySafe: boolean,
  sent: boolean,
): LinkFailure {
  return { ok: false, code, parameters, detail, retrySafe, sent }
}

/** Reads a server's hello; throws `LinkProtocolError`. Unknown members are left alone. */
export function readHello(header: Buffer): LinkHello {
  const hello = headerObject(header)
  if (hello.protocol !== 1)
    throw new LinkProtocolError(`the server speaks protocol ${String(hello.protocol)}`)
  const credit = hello.credit as { rows?: unknown; bytes?: unknown } | undefined
  if (!isCount(credit?.rows) || !isCount(credit?.bytes)) {
    throw new LinkProtocolError('a hello comes with credit of at least one row and byte')
  }
  return {
    protocol: 1,
    model: String(hello.model),
    version: String(hello.version),
    replica: String(hello.replica),
    contract: String(hello.contract),
    credit: { rows: credit.rows, bytes: credit.bytes },
    ...(hello.streams === true ? { streams: true } : {}),
  }
}

/** The key in a client's hello; throws `LinkProtocolError`. */
export function keyOfHello(header: Buffer): string | undefined {
  const hello = headerObject(header)
  if (hello.protocol !== 1)
    throw new LinkProtocolError(`the client speaks protocol ${String(hello.protocol)}`)
  return typeof hello.key === 'string' ? hello.key : undefined
}

export function errorHeader(
  code: LinkErrorCode,
  parameters: Parameters,
  detail: string | undefined,
  retrySafe: boolean,
): Buffer {
  return Buffer.from(JSON.stringify({ code, parameters, detail, retrySafe }))
}

/** A code that this side does not know becomes `internal`: the other side may be newer. */
export function failureFromHeader(header: Buffer): LinkFailure {
  const { code, parameters, detail, retrySafe } = headerObject(header)
  const known: LinkErrorCode =
    code === 'cancelled' || (typeof code === 'string' && Object.hasOwn(errorTable, code))
      ? (code as ErrorCode)
      : 'internal'
  return failure(
    known,
    scalarsOf(parameters),
    typeof detail === 'string' ? detail : String(code),
    retrySafe === true,
    true,
  )
}

function scalarsOf(value: unknown): Parameters {
  if (typeof value !== 'object' || value === null) return {}
  const scalars: Record<string, string | number | boolean> = {}
  for (const [name, member] of Object.entries(value)) {
    if (typeof member === 'string' || typeof member === 'number' || typeof member === 'boolean') {
      scalars[name] = member
    }
  }
  return scalars
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}
