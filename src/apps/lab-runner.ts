import { serveLabJob } from '../lab/index.ts'

/** The process in which a check measures: one job on stdin, events on stdout, ends when it is told to or orphaned. */
const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => stop.abort(new Error('stopped')))
}
const isDone = await serveLabJob({ input: process.stdin, output: process.stdout, signal: stop.signal })
process.exit(isDone ? 0 : 1)
