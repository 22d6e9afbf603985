import { type Logger, pino, stdTimeFunctions } from 'pino'

export type { Logger }

/** Lines that wait for room on the disk; beyond it new ones are dropped. */
const KEPT_BYTES = 1_000_000

/** JSON lines on stderr; events with fields, in past tense. `destination` is a file where the process has one. */
export function createLogger(process: string, options: { level?: string; file?: string } = {}): Logger {
  const destination = pino.destination({
    ...(options.file === undefined ? { dest: 2 } : { dest: options.file, mkdir: true }),
    sync: true,
    maxLength: KEPT_BYTES,
  })
  // A full disk must not end the process that says so: lines wait, up to a bound, and are written with the next one.
  destination.on('error', () => undefined)
  return pino(
    { level: options.level ?? 'info', base: { process }, timestamp: stdTimeFunctions.isoTime },
    destination,
  )
}

/** For tests and pure uses. */
export function silentLogger(): Logger {
  return pino({ enabled: false })
}
