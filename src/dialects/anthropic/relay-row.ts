import { UpstreamBroken } from '../dialect.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import type { RelayFound, RelayRow } from '../relay/relay-row.ts'
import { eventObject } from '../sse/sse-stream.ts'
import { readError, readProblem } from './errors.ts'
import { readStopReason } from './stop-reason.ts'
import { laterUsage } from './usage.ts'

/** Blocks and pings tell nothing but what a user sees; whole ones end as an object does. */
const UNTOLD = /^event: ?(content_block_(start|delta|stop)|ping)\r?\n?data: ?\{"/

export const relayAnthropic: RelayRow = {
  name: 'anthropic',
  mustRead: (text) => !UNTOLD.test(text) || !text.trimEnd().endsWith('}'),
  read(data, _, found) {
    const event = eventObject(data)
    const isError = event.type === 'error' || event.type === undefined
    const problem = isError
      ? (readProblem(event) ?? brokenProblem('it told an error without words'))
      : undefined
    if (problem !== undefined) throw new UpstreamBroken(problem)
    if (event.type === 'message_start') {
      const message = objectOf(event.message)
      found.providerModel ??= textOf(message?.model) ?? null
      found.usage = laterUsage(found.usage, message?.usage)
    } else if (event.type === 'message_delta') {
      noteStop(objectOf(event.delta)?.stop_reason, found)
      found.usage = laterUsage(found.usage, event.usage)
    }
    return { hasContent: isContent(event), isTerminal: event.type === 'message_stop', isUsageOnly: false }
  },
  readWhole(answer, found) {
    const problem = readProblem(answer)
    if (problem !== undefined) throw new UpstreamBroken(problem)
    if (!Array.isArray(answer.content)) throw new UpstreamBroken(brokenProblem('its answer has no content'))
    found.providerModel = textOf(answer.model) ?? null
    noteStop(answer.stop_reason, found)
    found.usage = laterUsage(found.usage, answer.usage)
  },
  readError,
}

function noteStop(raw: unknown, found: RelayFound): void {
  const word = textOf(raw)
  if (word !== undefined) found.finishReason = readStopReason(word)
}

/** A block of text or thinking is empty when it begins; any other is something. */
function isContent(event: Record<string, unknown>): boolean {
  if (event.type === 'content_block_delta') return true
  if (event.type !== 'content_block_start') return false
  const block = objectOf(event.content_block) ?? {}
  if (block.type === 'text') return textOf(block.text) !== undefined || listOf(block.citations).length > 0
  return block.type !== 'thinking' || textOf(block.thinking) !== undefined
}
