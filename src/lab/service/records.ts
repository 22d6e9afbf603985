import { SlipwayError } from '../../kernel/index.ts'
import { type Json, members, parsed } from './json.ts'

/** One recorded request of chat completions, without its model. */
export interface RecordedRequest {
  readonly body: Readonly<Record<string, Json>>
  /** Of what the model reads: messages and tools, as they are sent. */
  readonly prompt: string
  readonly outputTokens: number
}

export const MOST_RECORDS = 10_000

/**
 * JSON lines, in the order in which they came; each a request of chat completions (`messages`, and what else it had),
 * or an object whose `body` is one. Throws `invalid_request` with the line.
 */
export function readRecords(text: string, file: string): RecordedRequest[] {
  const records: RecordedRequest[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const invalid = (reason: string) =>
      new SlipwayError('invalid_request', { reason: `${file}:${index + 1}: ${reason}.` })
    if (records.length === MOST_RECORDS) throw invalid(`there are more than ${MOST_RECORDS} requests`)
    const row = members(parsed(line))
    if (row === undefined) throw invalid('it is not a JSON object')
    const { model: _, ...body } = members(row.body) ?? row
    if (!Array.isArray(body.messages) || body.messages.length === 0)
      throw invalid('it has no list of "messages"')
    const most = body.max_completion_tokens ?? body.max_tokens
    records.push({
      body,
      prompt: JSON.stringify([...(body.tools === undefined ? [] : [body.tools]), ...body.messages]),
      outputTokens: typeof most === 'number' && most > 0 ? most : 0,
    })
  }
  if (records.length === 0) throw new SlipwayError('invalid_request', { reason: `${file} holds no request.` })
  return records
}
