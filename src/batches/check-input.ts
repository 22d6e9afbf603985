import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { BatchEndpoint, BatchError } from '../contracts/index.ts'
import type { BatchLimits } from './limits.ts'
import { type Line, readLines } from './read-lines.ts'

export interface RequestLine {
  /** Of the line among the lines that are not blank, from 1. */
  readonly ordinal: number
  readonly customId: string
  readonly body: Record<string, unknown>
}

export interface CheckedInput {
  readonly total: number
  readonly model: string | null
  /** Empty: every line may be sent. */
  readonly errors: readonly BatchError[]
}

const MAX_CUSTOM_ID = 512

/**
 * Reads the whole input once, before anything of it is sent: what is wrong is told with its line. Ids are kept as
 * 16 bytes of their hash each, so 50,000 lines cost a few megabytes whatever they say.
 */
export async function checkInput(
  content: AsyncIterable<Uint8Array>,
  endpoint: BatchEndpoint,
  limits: Pick<BatchLimits, 'maxLines' | 'maxLineBytes' | 'maxErrors'>,
): Promise<CheckedInput> {
  const errors: BatchError[] = []
  const ids = new Set<string>()
  let total = 0
  let model: string | null = null
  for await (const line of readLines(content, limits.maxLineBytes)) {
    if (++total > limits.maxLines) {
      errors.push(
        problem('too_many_requests', `A batch has at most ${limits.maxLines} requests.`, null, null),
      )
      break
    }
    const read = readRequest(line, endpoint, limits.maxLineBytes)
    if ('code' in read) errors.push(read)
    else {
      const id = createHash('sha256').update(read.customId).digest('base64url').slice(0, 22)
      if (ids.has(id))
        errors.push(
          problem(
            'duplicate_custom_id',
            `The custom_id ${quoted(read.customId)} was used before.`,
            'custom_id',
            line.number,
          ),
        )
      ids.add(id)
      const named = read.body.model as string
      if (model !== null && named !== model)
        errors.push(
          problem(
            'mismatched_model',
            `All requests of a batch name one model: this one names ${quoted(named)}, those before ${quoted(model)}.`,
            'body.model',
            line.number,
          ),
        )
      model ??= named
    }
    if (errors.length >= limits.maxErrors) break
  }
  if (total === 0) errors.push(problem('empty_file', 'The file has no requests.', null, null))
  return { total, model, errors }
}

/** One line as a request, or what is wrong with it. */
export function readRequest(
  line: Line,
  endpoint: BatchEndpoint,
  maxLineBytes: number,
): RequestLine | BatchError {
  const { bytes, number } = line
  const wrong = (code: string, message: string, param: string | null = null) =>
    problem(code, message, param, number)
  if (bytes === undefined) return wrong('line_too_long', `The line is longer than ${maxLineBytes} bytes.`)
  let parsed: unknown
  try {
    if (!isUtf8(bytes)) return wrong('invalid_json_line', 'The line is not UTF-8.')
    parsed = JSON.parse(bytes.toString())
  } catch (error) {
    return wrong('invalid_json_line', `The line is not JSON: ${(error as Error).message}.`)
  }
  if (!isObject(parsed)) return wrong('invalid_json_line', 'The line is not a JSON object.')
  const { body, custom_id: customId, method, url } = parsed
  if (typeof customId !== 'string' || customId === '' || customId.length > MAX_CUSTOM_ID)
    return wrong(
      'invalid_custom_id',
      `custom_id must be a text of 1 to ${MAX_CUSTOM_ID} characters.`,
      'custom_id',
    )
  if (method !== 'POST') return wrong('invalid_method', 'method must be POST.', 'method')
  if (url !== endpoint)
    return wrong(
      'invalid_url',
      `url must be ${endpoint}, the endpoint of the batch, not ${quoted(String(url))}.`,
      'url',
    )
  if (!isObject(body)) return wrong('invalid_body', 'body must be an object.', 'body')
  if (typeof body.model !== 'string' || body.model === '')
    return wrong('missing_model', 'body.model must be the name of a model.', 'body.model')
  if (body.stream === true)
    return wrong('stream_not_supported', 'A request of a batch cannot be streamed.', 'body.stream')
  return { ordinal: line.ordinal, customId, body }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}

function problem(code: string, message: string, param: string | null, line: number | null): BatchError {
  return { code, message, param, line }
}
