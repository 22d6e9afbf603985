/**
 * The HTTP/1.1 codec of the gateway beside the parser of `node:http`, on damaged streams of requests: what ours takes,
 * node takes, and for the same. Minutes for ten million; `inputs` and `first` split them over several runs.
 *
 *   node bench/http1/run.ts [inputs] [first seed]
 */
import { disagreement, readByNode, readByOurs } from '../../src/gateway/http1/testing/messages-of.ts'
import { requestBytes } from '../../src/gateway/http1/testing/mutations.ts'
import { report } from '../result.ts'

const inputs = Number(process.argv[2] ?? 10_000_000)
const first = Number(process.argv[3] ?? 0)
const PROGRESS_EVERY = 500_000
const MOST_KEPT = 100

const disagreements: { seed: number; what: string }[] = []
/** What ours refused though node went on to read a request there, by the reason: how much stricter it is. */
const stricter = new Map<string, number>()
const counts = { disagreements: 0, requests: 0, refusedByOurs: 0, refusedByNode: 0 }
for (let seed = first; seed < first + inputs; seed++) {
  const { bytes, pieces } = requestBytes(seed)
  const ours = readByOurs(pieces)
  const node = readByNode(bytes)
  const what = disagreement(ours, node)
  counts.requests += ours.messages.length
  if (node.fault !== undefined) counts.refusedByNode++
  if (ours.fault !== undefined) {
    counts.refusedByOurs++
    if (node.messages.length > ours.messages.length)
      stricter.set(ours.fault, (stricter.get(ours.fault) ?? 0) + 1)
  }
  if (what !== undefined) {
    counts.disagreements++
    if (disagreements.length < MOST_KEPT) disagreements.push({ seed, what })
  }
  if ((seed - first + 1) % PROGRESS_EVERY === 0)
    console.error(`${(seed - first + 1).toLocaleString('en-US')} of ${inputs.toLocaleString('en-US')}`)
}
report(
  'http1',
  [
    {
      what: `disagreements with node:http over ${inputs.toLocaleString('en-US')} damaged streams`,
      unit: 'inputs',
      ours: counts.disagreements,
      others: {},
      goal: '0',
      holds: counts.disagreements === 0,
    },
    {
      what: 'requests that both read, and read alike',
      unit: 'requests',
      ours: counts.requests,
      others: {},
      goal: '–',
      holds: true,
    },
    {
      what: 'inputs refused',
      unit: 'inputs',
      ours: counts.refusedByOurs,
      others: { 'node:http': counts.refusedByNode },
      goal: '–',
      holds: true,
    },
  ],
  { inputs, first, ...counts, stricter: Object.fromEntries(stricter), disagreements },
)
