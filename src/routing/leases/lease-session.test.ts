import { describe, expect, test } from 'vitest'
import type { LeaseLaw } from '../../contracts/index.ts'
import { ASK } from '../text/allowance.ts'
import { LeaseBook } from './lease-book.ts'
import { LeaseSession } from './lease-session.ts'

const law: LeaseLaw = { kind: 'rate', limit: 60_000, periodMs: 60_000 }

/** One gateway and who counts for it, with a message every 50 ms where there is something to say. */
function openSession() {
  const book = new LeaseBook()
  const session = new LeaseSession('one')
  const account = session.account({ id: 'a', law, unit: 1n, onStoreDown: 'closed' })
  const say = (nowMs: number) => {
    const message = session.message(nowMs)
    if (message === undefined) return undefined
    session.answered(book.exchange(message, { monotonicMs: nowMs, nowMs }).answer, nowMs)
    return message
  }
  /** A request every 10 ms; how many of them had to wait for a message. */
  const traffic = (fromMs: number, untilMs: number) => {
    let waited = 0
    for (let nowMs = fromMs; nowMs < untilMs; nowMs += 10) {
      if (account.take(1n, nowMs) === ASK) {
        waited++
        session.wait([{ allowance: account, amount: 1n }], () => account.take(1n, nowMs))
        say(nowMs)
      } else if (nowMs % 50 === 0) say(nowMs)
    }
    return waited
  }
  return { account, book, say, session, traffic }
}

describe('what a gateway leases', () => {
  test('is enough for steady traffic: after a start hardly a request waits', () => {
    const { traffic } = openSession()
    expect(traffic(0, 2000)).toBeLessThanOrEqual(10)
    expect(traffic(2000, 60_000)).toBeLessThanOrEqual(58)
  })

  test('is given back by one message at stop, which asks for nothing', () => {
    const { account, book, say, session, traffic } = openSession()
    traffic(0, 5000)
    expect(account.left(5000)).toBeGreaterThan(0n)
    session.relinquish(5000)
    expect(say(5000)?.asks).toMatchObject([{ id: 'a', need: 0, spare: 0 }])
    expect(account.left(5000)).toBe(0n)
    const ask = { id: 'a', law, release: 0, owe: 0, first: 59_999, need: 59_999, spare: 0, holds: 0 }
    const { answer } = book.exchange(
      { session: 'two', sequence: 1, asks: [ask] },
      { monotonicMs: 6000, nowMs: 6000 },
    )
    expect(answer.grants[0]?.granted).toBe(59_999)
  })

  test('makes no message where nothing is to be said, but one now and then so as not to be forgotten', () => {
    const { say, session, traffic } = openSession()
    expect(session.message(0)).toBeUndefined()
    traffic(0, 1000)
    let messages = 0
    for (let nowMs = 10_000; nowMs < 130_000; nowMs += 50) if (say(nowMs) !== undefined) messages++
    expect(messages).toBeGreaterThanOrEqual(3)
    expect(messages).toBeLessThanOrEqual(6)
  })

  test('stirs who sends for it when something is to be given back after a quiet time', () => {
    let stirs = 0
    const session = new LeaseSession('one', () => stirs++)
    const account = session.account({ id: 'a', law, unit: 1n, onStoreDown: 'closed' })
    const book = new LeaseBook()
    session.wait([{ allowance: account, amount: 5n }], () => account.take(5n, 0))
    const message = session.message(0)
    if (message !== undefined)
      session.answered(book.exchange(message, { monotonicMs: 0, nowMs: 0 }).answer, 0)
    expect(session.message(20_000)).toBeUndefined()
    expect(session.isQuiet).toBe(true)
    const before = stirs
    account.settle(5n, 1n, 20_000, 0)
    expect(stirs).toBe(before + 1)
    expect(session.message(20_000)?.asks).toMatchObject([{ release: 4 }])
  })

  test('begins anew in another session where a message is never taken', () => {
    const { account, session } = openSession()
    let woken = 0
    session.wait([{ allowance: account, amount: 1n }], () => woken++)
    const message = session.message(0)
    session.refused('not understood')
    expect([woken, session.down]).toEqual([1, 'not understood'])
    session.wait([{ allowance: account, amount: 1n }], () => woken++)
    const next = session.message(10)
    expect(next).toMatchObject({ sequence: 1, asks: [{ need: 1 }] })
    expect(next?.session).not.toBe(message?.session)
  })
})
