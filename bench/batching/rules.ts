/**
 * Which rule should say when a free instance takes a batch? Simulated: service time a + b·n, callers that send their
 * next request a round trip after the answer (closed), or that come at random (open). The figures stand at `decide`.
 *
 *   node bench/batching/rules.ts
 */
import { seededRandom } from '../../src/kernel/index.ts'
import { type Decision, decide, nextPatience, type Outlook } from '../../src/serving/batcher/decide.ts'
import { BatchQueue, type QueueView, type Work } from '../../src/serving/batcher/queue.ts'

const policy = { maxBatchSize: 32, maxQueueDelayMs: 5, maxQueueRows: 8192 }
const RUN_MS = 60_000
const ROUND_TRIP_MS = 0.2

type Rule = (queue: QueueView<Work>, outlook: Outlook, nowMs: number) => Decision<Work>

const rules: Record<string, Rule> = {
  'takes what is there': (queue, outlook, nowMs) =>
    decide(queue, { ...policy, maxQueueDelayMs: 0 }, outlook, nowMs),
  'oldest waited 5 ms': (queue, _, nowMs) => {
    const head = queue.head()
    if (head === undefined) return { kind: 'idle' }
    const batch = queue.joinable(head, policy.maxBatchSize)
    const untilMs = head.arrivedMs + policy.maxQueueDelayMs
    return batch.rows >= policy.maxBatchSize || nowMs >= untilMs
      ? { kind: 'run', batch, reason: 'full' }
      : { kind: 'wait', untilMs }
  },
  'waits for company': (queue, outlook, nowMs) => decide(queue, policy, outlook, nowMs),
}

interface Load {
  readonly name: string
  readonly fixedMs: number
  readonly perRowMs: number
  /** Closed: so many callers. Open: so many requests a second. */
  readonly callers?: number
  readonly perSecond?: number
}

function simulate(rule: Rule, load: Load): { perSecond: number; p50: number; p99: number; meanRows: number } {
  const random = seededRandom(7)
  const jitter = () => 0.5 + random()
  const queue = new BatchQueue<Work>()
  const events: { atMs: number; run: () => void }[] = []
  const latencies: number[] = []
  let nowMs = 0
  let isBusy = false
  let wakeMs = Number.POSITIVE_INFINITY
  let batches = 0
  let outlook: Outlook = {
    companyRows: 0,
    patience: 1,
    fixedMs: load.fixedMs,
    serviceMs: (rows) => load.fixedMs + load.perRowMs * rows,
    freeSinceMs: 0,
  }
  const at = (atMs: number, run: () => void) => {
    let index = events.length
    while (index > 0 && events[index - 1]!.atMs < atMs) index--
    events.splice(index, 0, { atMs, run })
  }
  const arrive = () => {
    queue.push({
      rows: 1,
      shapeKey: '',
      priority: 1,
      arrivedMs: nowMs,
      deadlineAtMs: Number.POSITIVE_INFINITY,
    })
    pump()
  }
  const pump = () => {
    if (isBusy) return
    const decision = rule(queue, outlook, nowMs)
    if (decision.kind === 'wait' && decision.untilMs !== wakeMs) {
      wakeMs = decision.untilMs
      at(wakeMs, pump)
    }
    if (decision.kind !== 'run') return
    const { batch } = decision
    for (const work of batch.work) queue.remove(work)
    const patience = nextPatience(outlook.patience, decision.reason)
    isBusy = true
    batches++
    at(nowMs + outlook.serviceMs(batch.rows) * (0.9 + 0.2 * random()), () => {
      isBusy = false
      outlook = { ...outlook, patience, companyRows: batch.rows + queue.rows, freeSinceMs: nowMs }
      for (const work of batch.work) {
        latencies.push(nowMs - work.arrivedMs)
        if (load.callers !== undefined) at(nowMs + ROUND_TRIP_MS * jitter(), arrive)
      }
      pump()
    })
  }
  for (let caller = 0; caller < (load.callers ?? 0); caller++) at(ROUND_TRIP_MS * jitter(), arrive)
  if (load.perSecond !== undefined) {
    const meanMs = 1000 / load.perSecond
    const next = () => {
      at(nowMs - meanMs * Math.log(1 - random()), next)
      arrive()
    }
    at(0, next)
  }
  while (nowMs < RUN_MS) {
    const event = events.pop()
    if (event === undefined) break
    nowMs = event.atMs
    event.run()
  }
  latencies.sort((left, right) => left - right)
  const quantile = (p: number) => latencies[Math.floor(latencies.length * p)] ?? Number.NaN
  return {
    perSecond: latencies.length / (RUN_MS / 1000),
    p50: quantile(0.5),
    p99: quantile(0.99),
    meanRows: latencies.length / batches,
  }
}

const heavy = { fixedMs: 20, perRowMs: 0.1 }
const light = { fixedMs: 0.03, perRowMs: 0.002 }
const loads: Load[] = [
  { name: 'heavy (20 + .1 n), 1 caller', ...heavy, callers: 1 },
  { name: 'heavy, 8 callers', ...heavy, callers: 8 },
  { name: 'heavy, 32 callers', ...heavy, callers: 32 },
  { name: 'heavy, open 20/s', ...heavy, perSecond: 20 },
  { name: 'heavy, open 200/s', ...heavy, perSecond: 200 },
  { name: 'heavy, open 1000/s', ...heavy, perSecond: 1000 },
  { name: 'light (.03 + .002 n), 1 caller', ...light, callers: 1 },
  { name: 'light, 8 callers', ...light, callers: 8 },
  { name: 'light, open 5000/s', ...light, perSecond: 5000 },
]
for (const load of loads) {
  for (const [name, rule] of Object.entries(rules)) {
    const { perSecond, p50, p99, meanRows } = simulate(rule, load)
    console.log(
      `${load.name.padEnd(32)} ${name.padEnd(20)} ${perSecond.toFixed(0).padStart(6)}/s  p50 ${p50.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms  ${meanRows.toFixed(1)} rows a batch`,
    )
  }
}
