import { SlipwayError } from '../kernel/index.ts'

/** Where a file is not what it should be: byte, what was expected, what was found. Told at the door as `artifact_unreadable`. */
export class Unreadable extends Error {
  readonly offset: number

  constructor(offset: number, expected: string, found: string) {
    super(`at byte ${offset}: expected ${expected}, found ${found}`)
    this.name = 'Unreadable'
    this.offset = offset
  }
}

/** Runs one reader; what it finds wrong is told with the name of the file and of its format. */
export function reading<Result>(name: string, format: string, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    throw new SlipwayError('artifact_unreadable', { name, format, reason: error.message }, { cause: error })
  }
}

/** Bytes as people read them in an error: printable text in quotes, else hex. */
export function shownBytes(bytes: Buffer): string {
  if (bytes.length === 0) return 'the end of the file'
  const few = bytes.subarray(0, 8)
  return few.every((byte) => byte >= 32 && byte < 127)
    ? JSON.stringify(few.toString('latin1'))
    : `the bytes ${few.toString('hex').replace(/(..)(?=.)/g, '$1 ')}`
}
