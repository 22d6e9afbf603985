import { UpstreamBroken } from '../dialect.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { mergeUsage } from '../merge-usage.ts'
import { errorInside, readError } from '../openai/read-error.ts'
import { brokenProblem } from '../problem.ts'
import type { RelayedEvent, RelayFound, RelayRow } from '../relay/relay-row.ts'
import { eventObject } from '../sse/sse-stream.ts'
import { finishIn } from './read-answer.ts'
import { failureOf } from './stream-interpreter.ts'
import { readUsage } from './usage.ts'

/** Events about items and their parts tell nothing but what a user sees; whole ones end as an object does. */
const UNTOLD =
  /^event: ?response\.(output_text|refusal|reasoning_\w+|function_call_arguments|content_part|output_item)\.[\w.]+\r?\n?data: ?\{"/

const NOTHING: RelayedEvent = Object.freeze({ hasContent: false, isTerminal: false, isUsageOnly: false })
const CONTENT: RelayedEvent = Object.freeze({ ...NOTHING, hasContent: true })
const TERMINAL: RelayedEvent = Object.freeze({ ...NOTHING, isTerminal: true })

/** Items that are empty when they begin. */
const EMPTY: ReadonlySet<unknown> = new Set(['message', 'reasoning'])

export const relayResponses: RelayRow = {
  name: 'openai-responses',
  mustRead: (text) => !UNTOLD.test(text) || !text.trimEnd().endsWith('}'),
  read(data, _, found) {
    if (data === '[DONE]') return NOTHING
    const event = eventObject(data)
    const response = objectOf(event.response)
    found.providerModel ??= textOf(response?.model) ?? null
    switch (event.type) {
      case 'response.completed':
      case 'response.incomplete':
        note(response ?? {}, found)
        return TERMINAL
      case 'response.failed':
        throw failureOf(response ?? {})
      case 'error':
        throw failureOf(objectOf(event.error) === undefined ? { error: event } : event)
      case 'response.output_item.added':
        return EMPTY.has(objectOf(event.item)?.type) ? NOTHING : CONTENT
      case undefined: {
        const problem = errorInside(event)
        if (problem !== undefined) throw new UpstreamBroken(problem)
        return NOTHING
      }
      default:
        return /\.(delta|done)$/.test(String(event.type)) ? CONTENT : NOTHING
    }
  },
  readWhole(answer, found) {
    const problem = errorInside(answer)
    if (problem !== undefined) throw new UpstreamBroken(problem)
    if (!Array.isArray(answer.output)) throw new UpstreamBroken(brokenProblem('its answer has no output'))
    found.providerModel = textOf(answer.model) ?? null
    note(answer, found)
  },
  readError,
}

/** Background responses are answered before they have finished. */
function note(response: Record<string, unknown>, found: RelayFound): void {
  const isUnfinished = ['queued', 'in_progress', 'cancelled'].includes(String(response.status))
  if (!isUnfinished) found.finishReason = finishIn(response, listOf(response.output)).reason
  if (objectOf(response.usage) !== undefined) found.usage = mergeUsage(found.usage, readUsage(response.usage))
}
