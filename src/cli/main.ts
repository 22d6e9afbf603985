import { CommanderError } from 'commander'
import { exitCode, tellError } from './failure.ts'
import { createProgram } from './program.ts'

const USAGE = 3

const program = createProgram()

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE
  else {
    tellError(error, program.opts())
    process.exitCode = exitCode(error)
  }
}
