import type { ErrorCode } from '../contracts/index.ts'

/** A change or model file that cannot be used: the line, the reason, and what to write instead. */
export class FileError extends Error {
  readonly code: ErrorCode = 'change_file_invalid'
  readonly file: string
  readonly line: number
  readonly reason: string
  readonly hint: string

  constructor(where: { file: string; line: number }, reason: string, hint: string) {
    super(`${where.file}:${where.line}: ${reason}`)
    this.name = 'FileError'
    this.file = where.file
    this.line = where.line
    this.reason = reason
    this.hint = hint
  }
}
