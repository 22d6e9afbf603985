import { styleText } from 'node:util'

/** Where a command writes. Plain lines without colours when it is not a terminal, one object with `--json`. */
export interface Output {
  readonly json: boolean
  readonly quiet: boolean
  /** A terminal that can redraw its last line. */
  readonly isLive: boolean
  line(text?: string): void
  /** A line that the next one replaces; nothing where there is no terminal. */
  live(text: string): void
  /** The result for machines; printed only with `--json`. */
  result(value: unknown): void
}

export function createOutput(
  options: { json: boolean; quiet: boolean },
  stream: NodeJS.WriteStream = process.stdout,
): Output {
  const isLive =
    stream.isTTY === true &&
    process.env.TERM !== 'dumb' &&
    process.env.CI === undefined &&
    !options.json &&
    !options.quiet
  let hasLiveLine = false
  const clear = () => {
    if (hasLiveLine) stream.write('\r\u001b[2K')
    hasLiveLine = false
  }
  return {
    json: options.json,
    quiet: options.quiet,
    isLive,
    line(text = '') {
      if (options.json || options.quiet) return
      clear()
      stream.write(`${text}\n`)
    },
    live(text) {
      if (!isLive) return
      clear()
      stream.write(text.slice(0, (stream.columns ?? 100) - 1))
      hasLiveLine = true
    },
    result(value) {
      if (options.json) stream.write(`${JSON.stringify(value, null, 2)}\n`)
    },
  }
}

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan'

/** Colours only where the terminal has them and NO_COLOR does not forbid them. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout, validateStream: true })
}

/** Columns padded to their widest cell; the last one is left as it is. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map(width)),
  )
  const render = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === cells.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell)),
      )
      .join('  ')
      .trimEnd()
  return [styled('dim', render(header)), ...rows.map(render)]
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences have no width
const ESCAPES = /\u001b\[[0-9;]*m/g

function width(text: string): number {
  return text.replace(ESCAPES, '').length
}

export function ago(thenMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - thenMs) / 1000))
  if (seconds < 90) return `${seconds} s ago`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h ago`
  return `${Math.round(seconds / 86_400)} days ago`
}

export function megabytes(bytes: number | null): string {
  return bytes === null ? '–' : `${Math.round(bytes / 1e6)} MB`
}

export function count(value: number): string {
  return value.toLocaleString('en-US')
}

export function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`
}
