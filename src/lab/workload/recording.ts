import { SlipwayError } from '../../kernel/index.ts'
import { MOST_ARRIVALS } from './arrivals.ts'

/** One request that once came: when, after the first, and how large. */
export interface Recorded {
  readonly atMs: number
  readonly inputTokens: number | null
  readonly outputTokens: number | null
}

/** Names of columns and members, of ours and of public traces; the unit is of numbers, dates have their own. */
const TIME: Readonly<Record<string, number>> = {
  at_ms: 1,
  /** Azure LLM inference traces: a date. BurstGPT: seconds. */
  TIMESTAMP: 1000,
  Timestamp: 1000,
  /** Mooncake: milliseconds. */
  timestamp: 1,
}
const INPUT = ['input_tokens', 'ContextTokens', 'Request tokens', 'input_length']
const OUTPUT = ['output_tokens', 'GeneratedTokens', 'Response tokens', 'output_length']

/**
 * Reads recorded arrivals: CSV with the columns of Azure's or BurstGPT's traces, or JSON lines. Time must not go back.
 * Throws `workload_invalid` with the line.
 */
export function readRecording(text: string, file: string): Recorded[] {
  const lines = text.split(/\r?\n/)
  const isJson = (lines[0] ?? '').trimStart().startsWith('{')
  const names = isJson ? [] : (lines[0] ?? '').split(',').map((name) => name.trim())
  const recorded: Recorded[] = []
  let firstMs = 0
  let lastMs = Number.NEGATIVE_INFINITY
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '' || (index === 0 && !isJson)) continue
    const invalid = (reason: string) =>
      new SlipwayError('workload_invalid', { file, line: index + 1, reason })
    const row = isJson ? jsonRow(line, invalid) : csvRow(line, names)
    const atMs = timeOf(row, invalid)
    if (atMs < lastMs) throw invalid(`time goes back, by ${Math.round(lastMs - atMs)} ms`)
    if (recorded.length === 0) firstMs = atMs
    if (recorded.length === MOST_ARRIVALS) throw invalid(`it has more than ${MOST_ARRIVALS} arrivals`)
    lastMs = atMs
    recorded.push({
      atMs: atMs - firstMs,
      inputTokens: tokensOf(row, INPUT, invalid),
      outputTokens: tokensOf(row, OUTPUT, invalid),
    })
  }
  if (recorded.length === 0)
    throw new SlipwayError('workload_invalid', { file, line: 1, reason: 'it holds no arrival' })
  return recorded
}

type Row = Readonly<Record<string, unknown>>

function jsonRow(line: string, invalid: (reason: string) => Error): Row {
  let read: unknown
  try {
    read = JSON.parse(line)
  } catch {
    throw invalid('it is not JSON')
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read))
    throw invalid('it is not a JSON object')
  return read as Row
}

function csvRow(line: string, names: readonly string[]): Row {
  const cells = line.split(',')
  return Object.fromEntries(names.map((name, column) => [name, cells[column]?.trim() ?? '']))
}

function timeOf(row: Row, invalid: (reason: string) => Error): number {
  const name = Object.keys(TIME).find((known) => row[known] !== undefined)
  if (name === undefined) throw invalid(`it has no time (${Object.keys(TIME).join(', ')})`)
  const value = row[name]
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number)) return number * (TIME[name] as number)
  // Azure's traces write seven digits of a second and no zone; a date keeps three, and any one zone will do.
  const date =
    typeof value === 'string'
      ? Date.parse(
          `${value
            .trim()
            .replace(' ', 'T')
            .replace(/(\.\d{3})\d+/, '$1')}Z`,
        )
      : Number.NaN
  if (Number.isNaN(date)) throw invalid(`${name} is neither a number nor a date`)
  return date
}

function tokensOf(row: Row, names: readonly string[], invalid: (reason: string) => Error): number | null {
  const name = names.find((known) => row[known] !== undefined && row[known] !== '')
  if (name === undefined) return null
  const value = Number(row[name])
  if (!Number.isInteger(value) || value < 0) throw invalid(`${name} is no number of tokens`)
  return value
}
