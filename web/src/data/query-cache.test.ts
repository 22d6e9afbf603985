import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createQueryCache, type Query } from './query-cache.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function reader(answers: (number | Error)[]) {
  let reads = 0
  const query: Query<{ value: number }> = {
    key: 'k',
    read: async () => {
      const answer = answers[Math.min(reads++, answers.length - 1)]!
      if (answer instanceof Error) throw answer
      return { value: answer }
    },
  }
  return { query, reads: () => reads }
}
const settled = () => vi.advanceTimersByTimeAsync(0)
const cacheOf = (onError: (error: unknown) => void = () => undefined) =>
  createQueryCache(() => Date.now(), onError)

test('a first look reads, a second one shares the answer', async () => {
  const cache = cacheOf()
  const { query, reads } = reader([1])
  cache.subscribe(query, () => undefined)
  await settled()
  cache.subscribe(query, () => undefined)
  await settled()
  expect(cache.peek('k').data).toEqual({ value: 1 })
  expect(reads()).toBe(1)
})

test('a burst of events costs one more read, and not before the interval is over', async () => {
  const cache = cacheOf()
  const { query, reads } = reader([1, 2])
  cache.subscribe(query, () => undefined)
  await settled()
  for (let event = 0; event < 50; event++) cache.invalidate((key) => key === 'k')
  await vi.advanceTimersByTimeAsync(900)
  expect(reads()).toBe(1)
  await vi.advanceTimersByTimeAsync(200)
  expect(reads()).toBe(2)
  expect(cache.peek('k').data).toEqual({ value: 2 })
})

test('an equal answer is not told and keeps its identity', async () => {
  const cache = cacheOf()
  const { query } = reader([1, 1])
  const told = vi.fn()
  cache.subscribe(query, told)
  await settled()
  const before = cache.peek('k')
  cache.invalidate(() => true)
  await vi.advanceTimersByTimeAsync(2000)
  expect(told).toHaveBeenCalledTimes(1)
  expect(cache.peek('k')).toBe(before)
})

test('a failed read keeps what was known, tells the error, and the next good one clears it', async () => {
  const failed = vi.fn()
  const cache = cacheOf(failed)
  const { query } = reader([1, new Error('gone'), 1])
  cache.subscribe(query, () => undefined)
  await settled()
  cache.invalidate(() => true)
  await vi.advanceTimersByTimeAsync(1500)
  expect(cache.peek('k')).toMatchObject({ data: { value: 1 }, error: { message: 'gone' } })
  expect(failed).toHaveBeenCalledOnce()
  cache.invalidate(() => true)
  await vi.advanceTimersByTimeAsync(1500)
  expect(cache.peek('k')).toEqual({ data: { value: 1 }, error: undefined })
})

test('what nobody looks at is read when somebody does', async () => {
  const cache = cacheOf()
  const { query, reads } = reader([1, 2])
  const leave = cache.subscribe(query, () => undefined)
  await settled()
  leave()
  cache.invalidate(() => true)
  await vi.advanceTimersByTimeAsync(5000)
  expect(reads()).toBe(1)
  cache.subscribe(query, () => undefined)
  await settled()
  expect(cache.peek('k').data).toEqual({ value: 2 })
})

test('an answer that came with an event needs no read', async () => {
  const cache = cacheOf()
  const { query, reads } = reader([1])
  cache.put('k', { value: 7 })
  cache.subscribe(query, () => undefined)
  await settled()
  expect(cache.peek('k').data).toEqual({ value: 7 })
  expect(reads()).toBe(0)
})

test('an answer that grows is read from what is known, and compared as its query says', async () => {
  const cache = cacheOf()
  const read = vi.fn(async (known: number[] | undefined) => [...(known ?? []), 1])
  const told = vi.fn()
  cache.subscribe({ key: 'g', read, isSame: (known, next) => known.length + 1 === next.length }, told)
  await settled()
  cache.invalidate(() => true)
  await vi.advanceTimersByTimeAsync(1500)
  expect(read.mock.calls).toEqual([[undefined], [[1]]])
  // The query calls one more of them no news.
  expect(told).toHaveBeenCalledOnce()
  expect(cache.peek('g').data).toEqual([1])
})
