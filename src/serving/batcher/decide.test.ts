import { describe, expect, test } from 'vitest'
import { decide, nextPatience, type Outlook } from './decide.ts'
import { BatchQueue, type Work } from './queue.ts'

const policy = { maxBatchSize: 4, maxQueueDelayMs: 5, maxQueueRows: 100 }
/** Four callers were here, a batch costs 20 ms however large, the instance is free since 0. */
const company: Outlook = { companyRows: 4, patience: 1, fixedMs: 20, serviceMs: () => 20, freeSinceMs: 0 }
const alone: Outlook = { ...company, companyRows: 1 }

const rows = (count: number, arrivedMs = 0, more: Partial<Work> = {}): Work => ({
  rows: count,
  shapeKey: '',
  priority: 1,
  arrivedMs,
  deadlineAtMs: Number.POSITIVE_INFINITY,
  ...more,
})
const one = rows(1)
const otherShape = rows(1, 0, { shapeKey: '3' })
const run = (count: number, reason: string) => ({ kind: 'run', batch: { rows: count }, reason })
const wait = (untilMs: number) => ({ kind: 'wait', untilMs })

describe('a free instance', () => {
  test.each<[string, Work[], Outlook, number, object]>([
    ['idles when nothing waits', [], company, 0, { kind: 'idle' }],
    ['does not keep a lone caller waiting', [one], alone, 0, run(1, 'complete')],
    ['waits for company that is on its way', [one], company, 0, wait(5)],
    ['stops waiting when it is late', [one], company, 5, run(1, 'late')],
    ['takes a full batch at once', [one, one, one, one], company, 0, run(4, 'full')],
    [
      'takes everybody who was here at once',
      [one, one, one],
      { ...company, companyRows: 3 },
      0,
      run(3, 'complete'),
    ],
    ['counts rows, not requests', [rows(3), rows(3)], company, 0, run(3, 'full')],
    ['waits from the moment it is free', [one], { ...company, freeSinceMs: 100 }, 100, wait(105)],
    ['waits no longer than a batch costs', [one], { ...company, fixedMs: 2 }, 0, wait(2)],
    [
      'does not wait to save less than a timer can hit',
      [one],
      { ...company, fixedMs: 0.2 },
      0,
      run(1, 'not worth waiting'),
    ],
    ['waits less when it waited in vain', [one], { ...company, patience: 0.5 }, 0, wait(2.5)],
    ['does not let a deadline pass by waiting', [rows(1, 0, { deadlineAtMs: 23 })], company, 0, wait(3)],
    [
      'does not mix shapes, and does not let the other shape wait',
      [one, otherShape],
      company,
      0,
      run(1, 'full'),
    ],
  ])('%s', (_, waiting, outlook, nowMs, expected) => {
    const queue = new BatchQueue<Work>()
    // Equal values are different requests.
    for (const work of waiting) queue.push({ ...work })
    expect(decide(queue, policy, outlook, nowMs)).toMatchObject(expected)
  })

  test('takes the first priority first, and fills up with the next', () => {
    const queue = new BatchQueue<Work>()
    const batchJob = rows(2, 0, { priority: 9 })
    const person = rows(1, 1, { priority: 0 })
    queue.push(batchJob)
    queue.push(person)
    expect(decide(queue, policy, alone, 1)).toMatchObject({
      kind: 'run',
      batch: { work: [person, batchJob] },
    })
  })
})

test('one of a higher priority that comes late does not make the others wait anew', () => {
  const queue = new BatchQueue<Work>()
  queue.push(rows(1, 0))
  queue.push(rows(1, 4, { priority: 0 }))
  expect(decide(queue, policy, company, 4)).toEqual(wait(5))
})

test('patience falls with waits in vain and comes back', () => {
  expect(nextPatience(1, 'late')).toBe(0.5)
  expect(nextPatience(0.25, 'complete')).toBe(0.5)
  expect(nextPatience(1, 'full')).toBe(1)
  let patience = 0.1
  for (let batch = 0; batch < 50; batch++) patience = nextPatience(patience, 'not worth waiting')
  expect(patience).toBe(1)
})
