/** Longer lines are cut. */
const MAX_LINE = 4096

/** Whole lines out of bytes as they come; progress bars, which return to the start of their line, are lines too. */
export class LineSplitter {
  readonly #onLine: (line: string) => void
  readonly #decoder = new TextDecoder()
  #rest = ''

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  push(bytes: Uint8Array): void {
    const parts = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split(/[\r\n]+/)
    this.#rest = (parts.pop() ?? '').slice(0, MAX_LINE)
    for (const part of parts) this.#tell(part)
  }

  end(): void {
    this.#tell(this.#rest)
    this.#rest = ''
  }

  #tell(line: string): void {
    if (line.trim() !== '') this.#onLine(line.slice(0, MAX_LINE))
  }
}
