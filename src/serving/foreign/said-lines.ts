import type { Logger } from '../../kernel/index.ts'

export interface SaidLinesOptions {
  readonly server: string
  readonly log: Logger
  readonly mask: (line: string) => string
  readonly progress: readonly RegExp[]
  readonly nowMs: () => number
  /** A line that says how far the start is. */
  readonly onProgress: (words: string) => void
}

/** Enough for a traceback of several processes, which is what tells why a server ended. */
const KEPT_LINES = 400
/** More of one second are counted and not written. */
const LINES_A_SECOND = 100

/** What a foreign server says: into our log with secrets masked, and its last lines kept to tell why it ended. */
export class SaidLines {
  readonly kept: string[] = []
  readonly #options: SaidLinesOptions
  #secondMs = Number.NEGATIVE_INFINITY
  #inSecond = 0

  constructor(options: SaidLinesOptions) {
    this.#options = options
  }

  say(line: string): void {
    const { mask, onProgress, progress } = this.#options
    const masked = mask(line)
    this.kept.push(masked)
    if (this.kept.length > KEPT_LINES) this.kept.shift()
    for (const pattern of progress) {
      const found = pattern.exec(masked)?.[1]
      if (found !== undefined) onProgress(found)
    }
    this.#write(masked)
  }

  #write(line: string): void {
    const { log, nowMs, server } = this.#options
    const now = nowMs()
    if (now - this.#secondMs >= 1000) {
      const dropped = this.#inSecond - LINES_A_SECOND
      if (dropped > 0) log.warn({ server, dropped }, 'server said more than was written')
      this.#secondMs = now
      this.#inSecond = 0
    }
    if (++this.#inSecond > LINES_A_SECOND) return
    if (/\b(ERROR|CRITICAL|FATAL|Traceback)\b/.test(line)) log.warn({ server, line }, 'server said')
    else log.info({ server, line }, 'server said')
  }
}
