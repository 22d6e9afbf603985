import { constants, setPriority } from 'node:os'
import { serveLabJob } from '../lab/index.ts'

/** The process in which a check measures: one job on stdin, events on stdout, ends when it is told to or orphaned. */
const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => stop.abort(new Error('stopped')))
}
goFirst()
const isDone = await serveLabJob({ input: process.stdin, output: process.stdout, signal: stop.signal })
process.exit(isDone ? 0 : 1)

/**
 * A load client that waits for a processor sends late, and its pair is spoilt. Where we may (root, CAP_SYS_NICE), it goes
 * before the servers that it measures; both versions see the same, and the send lag tells either way.
 */
function goFirst(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST)
  } catch {
    // Not allowed here: the instrument's own checks decide whether it was in time.
  }
}
