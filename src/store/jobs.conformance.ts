import { describe, expect, test, vi } from 'vitest'
import type { Opened } from './testing/opened.ts'

export function describeJobs(opened: () => Opened): void {
  describe('jobs', () => {
    test('jobs are worked off one by one, in order', async () => {
      const { store } = opened()
      const done: unknown[] = []
      let running = 0
      const stop = await store.jobs.work('checks', async (data) => {
        running++
        expect(running).toBe(1)
        await new Promise((resolve) => setTimeout(resolve, 5))
        done.push(data.n)
        running--
      })
      // By polling alone, every two seconds, ten would take twenty.
      const numbers = Array.from({ length: 10 }, (_, n) => n)
      for (const n of numbers) await store.jobs.send('checks', { n })
      await vi.waitFor(() => expect(done).toEqual(numbers), 12_000)
      await stop()
    })

    test('a key makes a job single while it waits or runs', async () => {
      const { store } = opened()
      const done: unknown[] = []
      const gate = Promise.withResolvers<void>()
      await store.jobs.send('checks', { n: 1 }, { key: 'c-aaaa' })
      await store.jobs.send('checks', { n: 2 }, { key: 'c-aaaa' })
      await store.jobs.send('checks', { n: 3 }, { key: 'c-bbbb' })
      const stop = await store.jobs.work('checks', async (data) => {
        await gate.promise
        done.push(data.n)
      })
      await store.jobs.send('checks', { n: 4 }, { key: 'c-aaaa' })
      gate.resolve()
      await vi.waitFor(() => expect(done).toEqual([1, 3]), 8000)
      await vi.waitFor(async () => {
        await store.jobs.send('checks', { n: 5 }, { key: 'c-aaaa' })
        expect(done).toContain(5)
      }, 8000)
      await stop()
      expect(done).not.toContain(2)
      expect(done).not.toContain(4)
    })

    test('a job that fails is tried again', async () => {
      const { store } = opened()
      let tries = 0
      const stop = await store.jobs.work('checks', async () => {
        tries++
        if (tries === 1) throw new Error('not this time')
      })
      await store.jobs.send('checks', {}, { key: 'k' })
      await vi.waitFor(() => expect(tries).toBe(2), 12_000)
      await stop()
    })

    test('stopping waits for the running job, and nothing is begun afterwards', async () => {
      const { store } = opened()
      const begun = Promise.withResolvers<void>()
      let finished = 0
      const stop = await store.jobs.work('checks', async () => {
        begun.resolve()
        await new Promise((resolve) => setTimeout(resolve, 50))
        finished++
      })
      await store.jobs.send('checks', {})
      await begun.promise
      await stop()
      expect(finished).toBe(1)
      await store.jobs.send('checks', {})
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(finished).toBe(1)
    })

    test('closing the store tells the running job to give up', async () => {
      const { store } = opened()
      const begun = Promise.withResolvers<void>()
      let reason: unknown
      await store.jobs.work('checks', async (_, signal) => {
        begun.resolve()
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        reason = signal.reason
      })
      await store.jobs.send('checks', {})
      await begun.promise
      await store.close()
      expect(String(reason)).toContain('closes')
    })
  })
}
