import { type ErrorCode, errorTable, type Problem } from '../contracts/index.ts'

type ErrorParameters = Record<string, string | number | boolean>

/** An error a person can meet. Its text, status and hint come from the table in contracts. */
export class SlipwayError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly hint: string
  readonly parameters: ErrorParameters
  /** RFC 6901 pointer into the request body, where one value is to blame. */
  readonly pointer: string | undefined

  constructor(
    code: ErrorCode,
    parameters: ErrorParameters = {},
    options: { cause?: unknown; pointer?: string } = {},
  ) {
    const [status, title, hint] = errorTable[code]
    super(fill(title, parameters), options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'SlipwayError'
    this.code = code
    this.status = status
    this.hint = fill(hint, parameters)
    this.parameters = parameters
    this.pointer = options.pointer
  }
}

export function isSlipwayError(error: unknown): error is SlipwayError {
  return error instanceof SlipwayError
}

/** What is answered for any thrown value; what is not ours becomes `internal` and tells nothing of the inside. */
export function toProblem(error: unknown, requestId?: string): Problem {
  const known = isSlipwayError(error) ? error : new SlipwayError('internal', {}, { cause: error })
  return {
    type: `https://slipway.dev/errors#${known.code}`,
    title: titleOf(known.code),
    status: known.status,
    code: known.code,
    detail: known.message,
    hint: known.hint,
    ...(known.pointer === undefined ? {} : { pointer: known.pointer }),
    ...(requestId === undefined ? {} : { requestId }),
    docs: `/docs/errors#${known.code}`,
  }
}

function titleOf(code: ErrorCode): string {
  const words = code.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function fill(template: string, parameters: ErrorParameters): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(parameters[name] ?? whole))
}
