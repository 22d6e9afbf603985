import type { BatchUsage } from '../contracts/index.ts'
import type { RequestLine } from './check-input.ts'
import type { LineAnswer } from './gateway-asker.ts'

/** Why a line got no answer, in OpenAI's words where it has some. */
export const LINE_ERRORS = {
  batch_expired: 'This request could not be executed before the completion window expired.',
  batch_cancelled: 'This request was not executed because the batch was cancelled.',
  answer_too_large: 'The answer is larger than a line of an output file may be.',
  no_answer: 'No answer came.',
} as const
export type LineError = keyof typeof LINE_ERRORS

/**
 * A line of an output or error file. Its id is made of the batch and the place of the line in the input, so a journal
 * of such lines tells which lines are answered.
 */
export function outputLine(
  batch: string,
  line: RequestLine,
  answer: Extract<LineAnswer, { kind: 'answer' }> | { error: LineError; reason?: string },
): string {
  const head = { id: `${idStem(batch)}${line.ordinal}`, custom_id: line.customId }
  if ('error' in answer) {
    const message =
      answer.reason === undefined
        ? LINE_ERRORS[answer.error]
        : `${LINE_ERRORS[answer.error]} ${answer.reason}`
    return JSON.stringify({ ...head, response: null, error: { code: answer.error, message } })
  }
  const response = { status_code: answer.status, request_id: answer.requestId, body: answer.body }
  return JSON.stringify({ ...head, response, error: null })
}

/** The place of the input's line that a line of a journal answers. */
export function ordinalOf(batch: string, journaled: Buffer): number {
  const stem = `{"id":"${idStem(batch)}`
  const head = journaled.toString('latin1', 0, stem.length + 12)
  const ordinal = head.startsWith(stem) ? Number.parseInt(head.slice(stem.length), 10) : Number.NaN
  if (!Number.isInteger(ordinal)) throw new Error(`not a line of the journal of ${batch}: ${head}`)
  return ordinal
}

function idStem(batch: string): string {
  return `batch_req_${batch.slice('batch_'.length)}_`
}

export const NO_BATCH_USAGE: BatchUsage = {
  input_tokens: 0,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 0,
}

/** Adds the usage that an answer tells, in the words of any of the endpoints. */
export function addUsage(sum: BatchUsage, body: unknown): BatchUsage {
  const usage = fieldsOf(fieldsOf(body).usage)
  const input = count(usage.input_tokens ?? usage.prompt_tokens)
  const output = count(usage.output_tokens ?? usage.completion_tokens)
  const inputDetails = fieldsOf(usage.input_tokens_details ?? usage.prompt_tokens_details)
  const outputDetails = fieldsOf(usage.output_tokens_details ?? usage.completion_tokens_details)
  return {
    input_tokens: sum.input_tokens + input,
    input_tokens_details: {
      cached_tokens: sum.input_tokens_details.cached_tokens + count(inputDetails.cached_tokens),
    },
    output_tokens: sum.output_tokens + output,
    output_tokens_details: {
      reasoning_tokens: sum.output_tokens_details.reasoning_tokens + count(outputDetails.reasoning_tokens),
    },
    total_tokens: sum.total_tokens + input + output,
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}
