import { describe, expect, test } from 'vitest'
import type { LeaseAsk } from '../../contracts/index.ts'
import { LeaseBook } from '../index.ts'
import { conformsToLeaseAuthority } from './lease-authority.conformance.ts'

conformsToLeaseAuthority('the book that control keeps', (now) => {
  const book = new LeaseBook()
  return {
    name: 'book',
    exchange: async (message) => book.exchange(message, { monotonicMs: now(), nowMs: now() }).answer,
    close: async () => undefined,
  }
})

describe('what must outlive the process', () => {
  const NOW = Date.UTC(2026, 5, 30, 12)
  const ask = (more: Partial<LeaseAsk>): LeaseAsk => ({
    id: 'money',
    law: { kind: 'calendar', limit: 100, span: 'month' },
    release: 0,
    owe: 0,
    first: 0,
    need: 0,
    spare: 0,
    holds: 0,
    ...more,
  })
  const time = { monotonicMs: 5, nowMs: NOW }

  test('is told with every message that moves it, and a book made from it goes on', () => {
    const book = new LeaseBook()
    const { counts } = book.exchange(
      { session: 's', sequence: 1, asks: [ask({ first: 70, need: 70 })] },
      time,
    )
    expect(counts).toEqual([
      { id: 'money', startMs: Date.UTC(2026, 5, 1), endMs: Date.UTC(2026, 6, 1), used: 70 },
    ])
    const after = new LeaseBook(counts)
    const message = { session: 's', sequence: 2, asks: [ask({ release: 70, first: 40, need: 40 })] }
    const { answer } = after.exchange(message, { monotonicMs: 0, nowMs: NOW })
    expect(answer.grants[0]).toMatchObject({ granted: 0, left: 30 })
  })
})
