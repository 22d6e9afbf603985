import { isSlipwayError } from '../kernel/index.ts'
import { FileError, ProblemError } from '../sdk/index.ts'
import type { GlobalOptions } from './session.ts'

/** What happened, where, what to do: one line each on stderr. The stack only with `--debug`. */
export function tellError(error: unknown, options: GlobalOptions): void {
  const told = describe(error)
  if (options.json === true) process.stderr.write(`${JSON.stringify({ error: told }, null, 2)}\n`)
  else {
    process.stderr.write(`✘ ${told.what}\n`)
    if (told.where !== undefined) process.stderr.write(`  at ${told.where}\n`)
    if (told.toDo !== undefined) process.stderr.write(`  → ${told.toDo}\n`)
  }
  if (options.debug === true && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`)
}

interface Told {
  code: string
  what: string
  where?: string
  toDo?: string
}

function describe(error: unknown): Told {
  if (error instanceof ProblemError) {
    const { code, detail, hint, pointer, requestId } = error.problem
    const where = [pointer, requestId === undefined ? undefined : `request ${requestId}`]
      .filter((part) => part !== undefined)
      .join(', ')
    return {
      code,
      what: detail,
      ...(where === '' ? {} : { where }),
      ...(hint === undefined ? {} : { toDo: hint }),
    }
  }
  if (error instanceof FileError)
    return { code: error.code, what: error.reason, where: `${error.file}:${error.line}`, toDo: error.hint }
  if (isSlipwayError(error))
    return {
      code: error.code,
      what: error.message,
      toDo: error.hint,
      ...(error.pointer === undefined ? {} : { where: error.pointer }),
    }
  if (isNodeError(error) && error.code === 'ENOENT')
    return { code: 'file_missing', what: `There is no file ${error.path ?? ''}.`, toDo: 'Check the path.' }
  if (isConnectionError(error))
    return {
      code: 'control_unavailable',
      what: 'Nothing answers at that address.',
      toDo: 'Start it with `slipway up`; see `slipway logs control`.',
    }
  if (error instanceof Error && error.name === 'AbortError')
    return {
      code: 'stopped',
      what: 'Stopped.',
      toDo: 'The work goes on in control; see `slipway change status`.',
    }
  return {
    code: 'internal',
    what: error instanceof Error ? error.message : String(error),
    toDo: 'Run it again with --debug.',
  }
}

/** 3: wrong use or system. A command says 1 and 2 itself, since they are answers and not errors. */
export function exitCode(_error: unknown): number {
  return 3
}

function isNodeError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error
}

function isConnectionError(error: unknown): boolean {
  const codes = ['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET']
  return (
    error instanceof Error &&
    [error, error.cause].some((one) => isNodeError(one) && codes.includes(one.code ?? ''))
  )
}
