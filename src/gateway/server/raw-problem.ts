import { type SlipwayError, toProblem } from '../../kernel/index.ts'

/** The whole answer to a request that never became one, for which there is no response object. */
export function rawProblem(error: SlipwayError, requestId: string): string {
  const body = JSON.stringify(toProblem(error, requestId))
  const reason =
    { 408: 'Request Timeout', 431: 'Request Header Fields Too Large' }[error.status] ?? 'Bad Request'
  return (
    `HTTP/1.1 ${error.status} ${reason}\r\ncontent-type: application/problem+json\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\nx-slipway-request-id: ${requestId}\r\nconnection: close\r\n\r\n${body}`
  )
}
