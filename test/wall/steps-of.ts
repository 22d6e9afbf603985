import { gzipSync } from 'node:zlib'
import type { Fault, Script, Step } from './script.ts'
import type { WireDialect, WireFixture } from './wire-dialect.ts'

/** The steps that answer one request: pure, so that what is played is known before it is. */
export function stepsOf(dialect: WireDialect, script: Script, isStream: boolean): Step[] {
  const { fault } = script
  const direct = fault === undefined ? undefined : withoutBody(dialect, fault)
  if (direct !== undefined) return direct
  const fixture = dialect.fixtures[script.fixture ?? 'text']
  const steps: Step[] = [headOf(dialect, script, isStream)]
  if (fault?.kind === 'stalls-after-head') return [...steps, { act: 'nothing-more' }]
  if (isStream) {
    const { ending, events } = streamed(dialect, repeated(fixture, script.repeat ?? 1), fault)
    return [...steps, ...writesOf(events, script), ...ending]
  }
  const { bytes, ending } = whole(dialect, fixture, fault)
  return [...steps, ...split([{ act: 'write', bytes, event: 0 }], script), ...ending]
}

function withoutBody(dialect: WireDialect, fault: Fault): Step[] | undefined {
  switch (fault.kind) {
    case 'reset':
      return [{ act: 'reset' }]
    case 'silent':
      return [{ act: 'nothing-more' }]
    case 'not-http':
      return [{ act: 'raw', bytes: Buffer.from('SSH-2.0-OpenSSH_9.2\r\n') }, { act: 'nothing-more' }]
    case 'redirect':
      return [{ act: 'head', status: 307, headers: { location: fault.location } }, { act: 'end' }]
    case 'wrong-type':
      return [
        { act: 'head', status: 200, headers: { 'content-type': 'text/html' } },
        { act: 'write', bytes: Buffer.from('<html><body>Sign in to the network</body></html>'), event: 0 },
        { act: 'end' },
      ]
    case 'status': {
      const { code, headers, status } = fault
      const body = JSON.stringify(dialect.error(status, code, `The wall answers ${status}.`))
      return [
        { act: 'head', status, headers: { 'content-type': 'application/json', ...headers } },
        { act: 'write', bytes: Buffer.from(body), event: 0 },
        { act: 'end' },
      ]
    }
    default:
      return undefined
  }
}

function headOf(dialect: WireDialect, { fault, headers }: Script, isStream: boolean): Step {
  return {
    act: 'head',
    status: 200,
    headers: {
      'content-type': isStream ? dialect.streamType : 'application/json',
      'x-request-id': 'req_wall',
      ...(fault?.kind === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
      ...headers,
    },
  }
}

/** From the first content to the end of it. */
function repeated(fixture: WireFixture, times: number): WireFixture {
  if (times === 1) return fixture
  const { contentEvents, events, firstContent, usageAt } = fixture
  const content = events.slice(firstContent, firstContent + contentEvents)
  const added = Array.from({ length: times - 1 }, () => content).flat()
  return {
    ...fixture,
    events: [...events.slice(0, firstContent), ...added, ...events.slice(firstContent)],
    usageAt: usageAt < 0 ? usageAt : usageAt + added.length,
  }
}

interface Streamed {
  /** The last may be half of one. */
  readonly events: readonly { readonly text: string; readonly isWhole: boolean }[]
  readonly ending: readonly Step[]
}

const END: readonly Step[] = [{ act: 'end' }]
const NOTHING_MORE: readonly Step[] = [{ act: 'nothing-more' }]

function streamed(dialect: WireDialect, fixture: WireFixture, fault: Fault | undefined): Streamed {
  const all = fixture.events.map((text) => ({ text, isWhole: true }))
  const instead = (at: number, text: string) => [
    ...all.slice(0, at),
    { text, isWhole: true },
    ...all.slice(at + 1),
  ]
  switch (fault?.kind) {
    case 'stalls':
      return { events: all.slice(0, fault.afterEvents), ending: NOTHING_MORE }
    case 'truncated':
      return { events: all.slice(0, fault.afterEvents), ending: END }
    case 'cut':
      return { events: all.slice(0, fault.afterEvents), ending: [{ act: 'reset' }] }
    case 'half-closed': {
      const next = fixture.events[fault.afterEvents] ?? ''
      const half = { text: next.slice(0, next.length / 2), isWhole: false }
      return { events: [...all.slice(0, fault.afterEvents), half], ending: [{ act: 'half-close' }] }
    }
    case 'malformed':
      return { events: instead(fault.atEvent, 'data: {"choices":[{"delta":{"content":"half'), ending: END }
    case 'error-in-200': {
      const error = dialect.errorEvent(fault.code, 'The wall fails inside a 200.')
      return { events: [...all.slice(0, fault.atEvent), { text: error, isWhole: true }], ending: END }
    }
    case 'giant-event':
      return { events: instead(fixture.firstContent, dialect.giantEvent(fault.bytes)), ending: END }
    case 'no-usage':
      return { events: all.filter((_, index) => index !== fixture.usageAt), ending: END }
    default:
      return { events: all, ending: END }
  }
}

function whole(dialect: WireDialect, fixture: WireFixture, fault: Fault | undefined) {
  const text = JSON.stringify(fixture.whole)
  const half = Buffer.from(text.slice(0, text.length / 2))
  switch (fault?.kind) {
    case 'stalls':
      return { bytes: half, ending: NOTHING_MORE }
    case 'truncated':
    case 'malformed':
      return { bytes: half, ending: END }
    case 'cut':
      return { bytes: half, ending: [{ act: 'reset' }] as const }
    case 'half-closed':
      return { bytes: half, ending: [{ act: 'half-close' }] as const }
    case 'error-in-200':
      return {
        bytes: Buffer.from(JSON.stringify(dialect.error(200, fault.code, 'The wall fails inside a 200.'))),
        ending: END,
      }
    case 'giant-event':
      return {
        bytes: Buffer.from(`${text.slice(0, -1)},"padding":"${'x'.repeat(fault.bytes)}"}`),
        ending: END,
      }
    case 'no-usage': {
      const { usage: _, ...rest } = fixture.whole as Record<string, unknown>
      return { bytes: Buffer.from(JSON.stringify(rest)), ending: END }
    }
    case 'gzip':
      return { bytes: gzipSync(text), ending: END }
    default:
      return { bytes: Buffer.from(text), ending: END }
  }
}

type Write = Extract<Step, { act: 'write' }>

function writesOf(events: Streamed['events'], script: Script): Step[] {
  const { comments = false, fault, newline = '\n' } = script
  const writes = events.map(({ isWhole, text }, event): Write => {
    const lines = text.replaceAll('\n', newline) + (isWhole ? newline + newline : '')
    const comment = comments ? `: OPENROUTER PROCESSING${newline}${newline}` : ''
    return { act: 'write', bytes: Buffer.from(comment + lines), event }
  })
  if (fault?.kind !== 'gzip') return split(writes, script)
  return [{ act: 'write', bytes: gzipSync(Buffer.concat(writes.map(({ bytes }) => bytes))), event: 0 }]
}

/** The same bytes at other cuts. */
function split(writes: readonly Write[], { fault, splits }: Script): Step[] {
  const cuts = fault?.kind === 'drip' ? { everyBytes: 1 } : splits
  if (cuts === undefined) return [...writes]
  const bytes = Buffer.concat(writes.map((write) => write.bytes))
  const offsets =
    'everyBytes' in cuts
      ? Array.from(
          { length: Math.ceil(bytes.length / cuts.everyBytes) },
          (_, index) => index * cuts.everyBytes,
        )
      : [0, ...cuts].filter((offset) => offset < bytes.length)
  const sorted = [...new Set(offsets)].sort((left, right) => left - right)
  return sorted.map((from, index) => ({
    act: 'write',
    bytes: bytes.subarray(from, sorted[index + 1] ?? bytes.length),
    event: index,
  }))
}
