import { type Logger, pino, stdTimeFunctions } from 'pino'

export type { Logger }

/** JSON lines on stderr; events with fields, in past tense. `destination` is a file where the process has one. */
export function createLogger(process: string, options: { level?: string; file?: string } = {}): Logger {
  const destination = pino.destination({
    ...(options.file === undefined ? { dest: 2 } : { dest: options.file, mkdir: true }),
    sync: true,
  })
  return pino(
    { level: options.level ?? 'info', base: { process }, timestamp: stdTimeFunctions.isoTime },
    destination,
  )
}

/** For tests and pure uses. */
export function silentLogger(): Logger {
  return pino({ enabled: false })
}
