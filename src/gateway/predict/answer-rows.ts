import { headerNames } from '../../contracts/index.ts'
import type { UpstreamAnswer } from '../../providers/index.ts'
import type { GatewayModel, GatewayVersion } from '../gateway-table.ts'
import type { HttpResponse } from '../server/http.ts'
import { RAW } from './request-options.ts'

/** Of a request that was answered: by whom, and how long that took. */
export interface RowsAnswer {
  readonly requestId: string
  readonly model: GatewayModel
  readonly version: GatewayVersion
  readonly replica: string
  readonly queueMs: number
  readonly computeMs: number
  /** The client shall come back on another connection. */
  readonly isLast: boolean
}

/** Sends the outputs in the form the client takes: raw rows, or JSON. */
export function answerRows(
  response: HttpResponse,
  accept: string | undefined,
  told: RowsAnswer,
  answer: UpstreamAnswer,
): void {
  const isRaw = accept?.includes(RAW) === true
  // The answer's bytes belong to the connection's buffer, and the response may be written later than now.
  const body = isRaw ? Buffer.from(answer.body) : jsonOf(told, answer)
  const encoding = answer.json === undefined ? 'utf8' : 'latin1'
  const headers = [
    'content-type',
    isRaw ? RAW : 'application/json',
    'content-length',
    String(Buffer.byteLength(body, encoding)),
    headerNames.requestId,
    told.requestId,
    headerNames.model,
    told.model.name,
    headerNames.version,
    told.version.label,
    headerNames.replica,
    told.replica,
    headerNames.queueMs,
    String(told.queueMs),
    headerNames.computeMs,
    String(told.computeMs),
  ]
  if (told.isLast) headers.push('connection', 'close')
  response.writeHead(200, headers).end(body, encoding)
}

function jsonOf({ model, version }: RowsAnswer, { body, json, rows }: UpstreamAnswer): string {
  if (json === undefined) return `${version.jsonHead}${model.contract.outputs.toJson(body, rows)}}`
  // Bytes that are passed on make a string of one character each, which goes out with the headers in one piece.
  return `${version.jsonHead}${json.toString('latin1')}}`
}
