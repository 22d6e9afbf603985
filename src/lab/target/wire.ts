import type { Ask } from './target.ts'

/** What an answer tells, bit by bit, as its bytes come. */
export interface AnswerReader {
  push(chunk: Buffer): void
  end(): void
}

/** Where a reader puts what it finds. */
export interface Findings {
  content(): void
  usage(inputTokens: number | null, outputTokens: number | null): void
  answeredBy(name: string): void
  failed(kind: 'garbage' | 'truncated', reason: string): void
}

/** How one kind of target is asked and read: no sockets, no clock. */
export interface Wire {
  readonly streams: boolean
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  body(ask: Ask): string | null
  reader(findings: Findings): AnswerReader
}

/** Collects a whole answer, bounded, and hands it over at its end. */
export function wholeReader(findings: Findings, read: (body: Buffer) => void): AnswerReader {
  const chunks: Buffer[] = []
  let bytes = 0
  return {
    push(chunk) {
      bytes += chunk.length
      if (bytes <= MAX_ANSWER_BYTES) chunks.push(chunk)
    },
    end() {
      if (bytes > MAX_ANSWER_BYTES)
        return findings.failed('garbage', `the answer is larger than ${MAX_ANSWER_BYTES} bytes`)
      read(Buffer.concat(chunks))
    },
  }
}

const MAX_ANSWER_BYTES = 8_000_000
