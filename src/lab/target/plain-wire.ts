import { type AnswerReader, type Findings, type Wire, wholeReader } from './wire.ts'

/** A target whose answers are whole: rows in, rows out, or any HTTP resource. */
export function plainWire(options: {
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  /** Sent as it is with every request; null: none. */
  readonly body: string | null
  /** The answer must be a JSON object with this member; undefined: any answer will do. */
  readonly answerHas?: string
}): Wire {
  const { answerHas } = options
  return {
    streams: false,
    path: options.path,
    method: options.method,
    headers: { ...(options.body === null ? {} : { 'content-type': 'application/json' }), ...options.headers },
    body: () => options.body,
    reader: (findings) => (answerHas === undefined ? anyReader(findings) : jsonReader(findings, answerHas)),
  }
}

function anyReader(findings: Findings): AnswerReader {
  return { push: () => {}, end: () => findings.content() }
}

function jsonReader(findings: Findings, member: string): AnswerReader {
  return wholeReader(findings, (body) => {
    let read: unknown
    try {
      read = JSON.parse(body.toString('utf8'))
    } catch {
      return findings.failed('garbage', 'its answer is not JSON')
    }
    if (typeof read !== 'object' || read === null || !(member in read))
      return findings.failed('garbage', `its answer has no "${member}"`)
    findings.content()
    if ('model_version' in read && typeof read.model_version === 'string')
      findings.answeredBy(read.model_version)
  })
}
