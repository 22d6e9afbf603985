import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { textOf } from '../json/tolerant.ts'
import { eventObject } from '../sse/sse-stream.ts'
import { exceptionProblem } from './errors.ts'
import type { EventMessage } from './event-stream.ts'

/** What an event says; undefined where the message is none. Throws `UpstreamBroken` for an exception and an error. */
export function eventBody({ headers, payload }: EventMessage): JsonObject | undefined {
  const type = headers.get(':message-type')
  if (type === 'error')
    throw new UpstreamBroken(
      exceptionProblem(String(headers.get(':error-code') ?? ''), String(headers.get(':error-message') ?? '')),
    )
  const body = eventObject(payload.toString('utf8'))
  if (type === 'exception')
    throw new UpstreamBroken(
      exceptionProblem(textOf(headers.get(':exception-type')), textOf(body.message) ?? ''),
    )
  return type === 'event' ? body : undefined
}
