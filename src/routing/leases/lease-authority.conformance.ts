import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import type { LeaseAsk, LeaseExchange, LeaseGrant, LeaseLaw } from '../../contracts/index.ts'
import { type AuthorityTime, type LeaseAuthority, LeaseBook } from '../index.ts'

/** A new one that has counted nothing. `now` is what it goes by. */
export type OpenAuthority = (now: () => number) => Promise<LeaseAuthority> | LeaseAuthority

const NOON = Date.UTC(2026, 5, 30, 12)
const HOUR = 3_600_000
const rate = (limit: number, periodMs = 60_000): LeaseLaw => ({ kind: 'rate', limit, periodMs })
const month = (limit: number): LeaseLaw => ({ kind: 'calendar', limit, span: 'month' })
const day = (limit: number): LeaseLaw => ({ kind: 'calendar', limit, span: 'day' })
const places = (limit: number): LeaseLaw => ({ kind: 'places', limit })
const nothing = { release: 0, owe: 0, first: 0, need: 0, spare: 0, holds: 0 }
const askOf = (law: LeaseLaw, more: Partial<LeaseAsk> = {}): LeaseAsk => ({
  id: 'a',
  law,
  ...nothing,
  ...more,
})
const want = (units: number) => ({ first: units, need: units })

/** What a gateway says, one message after the other. */
function gatewayOf(authority: LeaseAuthority, session: string) {
  let sequence = 0
  return {
    async ask(...asks: LeaseAsk[]): Promise<LeaseGrant> {
      const answer = await authority.exchange({ session, sequence: ++sequence, asks })
      return answer.grants[0] as LeaseGrant
    },
    again: (...asks: LeaseAsk[]) => authority.exchange({ session, sequence, asks }),
    lose: () => ++sequence,
  }
}

/** Holds whoever counts limits for all gateways to what gateways rely on. */
export function conformsToLeaseAuthority(name: string, open: OpenAuthority): void {
  describe(name, () => {
    const opened = async () => {
      const time = { nowMs: NOON }
      const authority = await open(() => time.nowMs)
      return { time, one: gatewayOf(authority, 'one'), two: gatewayOf(authority, 'two') }
    }

    test('what one gateway leased another does not get, and it fills again evenly', async () => {
      const { one, time, two } = await opened()
      expect(await one.ask(askOf(rate(60), want(50)))).toMatchObject({ granted: 50, left: 10, waitMs: 0 })
      expect(await two.ask(askOf(rate(60), want(11)))).toMatchObject({ granted: 0, left: 10, waitMs: 1000 })
      time.nowMs += 1000
      expect(await two.ask(askOf(rate(60), want(11)))).toMatchObject({ granted: 11, left: 0 })
      time.nowMs += 24 * HOUR
      expect(await two.ask(askOf(rate(60), want(61)))).toMatchObject({ granted: 0, left: 60, waitMs: -1 })
    })

    test('what waits is served in part only where the first in line can go', async () => {
      const { one } = await opened()
      expect(await one.ask(askOf(rate(100), { first: 40, need: 120 }))).toMatchObject({ granted: 100 })
      expect(await one.ask(askOf(rate(100), { id: 'b', first: 101, need: 101 }))).toMatchObject({
        granted: 0,
      })
    })

    test('beyond what waits nobody gets more than half of what remains, and nothing while it is scarce', async () => {
      const { one, time, two } = await opened()
      expect(await one.ask(askOf(rate(100), { ...want(20), spare: 1000 }))).toMatchObject({ granted: 60 })
      expect(await two.ask(askOf(rate(100), want(90)))).toMatchObject({ granted: 0, scarce: true })
      expect(await one.ask(askOf(rate(100), { ...want(1), spare: 10 }))).toMatchObject({
        granted: 1,
        scarce: true,
      })
      time.nowMs += 2001
      expect(await one.ask(askOf(rate(100), { spare: 2 }))).toMatchObject({ granted: 2, scarce: false })
    })

    test('what is released can be leased again, what is owed is gone, and debt is bounded', async () => {
      const { one, time, two } = await opened()
      await one.ask(askOf(rate(60), want(60)))
      expect(await two.ask(askOf(rate(60), want(20)))).toMatchObject({ granted: 0 })
      await one.ask(askOf(rate(60), { release: 30 }))
      expect(await two.ask(askOf(rate(60), want(20)))).toMatchObject({ granted: 20, left: 10 })
      await two.ask(askOf(rate(60), { owe: 1_000_000 }))
      time.nowMs += 60_000
      expect(await two.ask(askOf(rate(60), want(1)))).toMatchObject({ granted: 0 })
      time.nowMs += 1000
      expect(await two.ask(askOf(rate(60), want(1)))).toMatchObject({ granted: 1 })
    })

    test('a message that comes again counts once and is answered as before', async () => {
      const { one, two } = await opened()
      const asked = askOf(month(100), want(60))
      const first = await one.ask(asked)
      expect((await one.again(asked)).grants).toEqual([first])
      expect(await two.ask(askOf(month(100), want(40)))).toMatchObject({ granted: 40 })
      const released = askOf(month(100), { release: 10 })
      await one.ask(released)
      await one.again(released)
      expect(await two.ask(askOf(month(100), want(20)))).toMatchObject({ granted: 0, left: 10 })
    })

    test('a session that is not remembered gives nothing back, since it may have done so already', async () => {
      const { one, two } = await opened()
      await one.ask(askOf(month(100), want(100)))
      one.lose()
      await one.ask(askOf(month(100), { release: 100 }))
      expect(await two.ask(askOf(month(100), want(1)))).toMatchObject({ granted: 0 })
      await one.ask(askOf(month(100), { release: 1 }))
      expect(await two.ask(askOf(month(100), want(1)))).toMatchObject({ granted: 1 })
    })

    test('days and months turn at midnight UTC, and the lease ends with them', async () => {
      const { one, time } = await opened()
      const start = Date.UTC(2026, 5, 1)
      expect(await one.ask(askOf(month(10), want(10)))).toMatchObject({ epoch: start, renewsMs: 12 * HOUR })
      // Some of it may come back as long as it is leased.
      expect(await one.ask(askOf(month(10), want(1)))).toMatchObject({ granted: 0, waitMs: 1000 })
      time.nowMs += 60_000
      const untilMidnight = 12 * HOUR - 60_000
      expect(await one.ask(askOf(month(10), want(1)))).toMatchObject({ granted: 0, waitMs: untilMidnight })
      time.nowMs -= 60_000
      expect(await one.ask(askOf(day(10), { id: 'b', ...want(11) }))).toMatchObject({
        granted: 0,
        waitMs: -1,
      })
      time.nowMs += 12 * HOUR - 5
      expect(await one.ask(askOf(day(10), { id: 'b', ...want(9) }))).toMatchObject({ granted: 9, leaseMs: 5 })
      time.nowMs += 5
      const july = Date.UTC(2026, 6, 1)
      expect(await one.ask(askOf(day(10), { id: 'b', ...want(10) }))).toMatchObject({
        granted: 10,
        epoch: july,
      })
      expect(await one.ask(askOf(month(10), want(10)))).toMatchObject({ granted: 10, epoch: july })
      time.nowMs -= HOUR
      expect(await one.ask(askOf(month(10), want(1)))).toMatchObject({ granted: 0, epoch: july })
    })

    test('places are held, come back when they are said to be free, and when their gateway falls silent', async () => {
      const { one, time, two } = await opened()
      expect(await one.ask(askOf(places(3), want(2)))).toMatchObject({ granted: 2, left: 1 })
      expect(await two.ask(askOf(places(3), { first: 1, need: 2 }))).toMatchObject({ granted: 1 })
      expect(await two.ask(askOf(places(3), { ...want(1), holds: 1 }))).toMatchObject({
        granted: 0,
        waitMs: 100,
      })
      await one.ask(askOf(places(3), { holds: 1 }))
      expect(await two.ask(askOf(places(3), { ...want(1), holds: 1 }))).toMatchObject({ granted: 1 })
      time.nowMs += 9000
      expect(await two.ask(askOf(places(3), { ...want(1), holds: 2 }))).toMatchObject({ granted: 0 })
      time.nowMs += 1001
      expect(await two.ask(askOf(places(3), { ...want(1), holds: 2 }))).toMatchObject({ granted: 1, left: 0 })
    })

    test('places that were given to others meanwhile are lost to who comes back', async () => {
      const { one, time, two } = await opened()
      await one.ask(askOf(places(3), want(2)))
      time.nowMs += 10_001
      expect(await two.ask(askOf(places(3), { first: 1, need: 2 }))).toMatchObject({ granted: 2, lost: 0 })
      expect(await one.ask(askOf(places(3), { holds: 2 }))).toMatchObject({ granted: 0, lost: 1 })
      await two.ask(askOf(places(3), { holds: 1 }))
      expect(await one.ask(askOf(places(3), { holds: 2 }))).toMatchObject({ lost: 0 })
    })

    const units = fc.nat(40)
    const laws = fc.oneof(
      fc.constant<LeaseLaw>(rate(60)),
      fc.constant<LeaseLaw>(rate(7.5, 1000)),
      fc.constant<LeaseLaw>(day(200)),
      fc.constant<LeaseLaw>(month(300)),
      fc.constant<LeaseLaw>(places(9)),
    )
    const asks = laws.chain((law) =>
      fc
        .record({ release: units, owe: units, first: units, more: units, spare: units, holds: fc.nat(9) })
        .map(({ more, ...ask }) =>
          askOf(law, {
            ...ask,
            id: `${law.kind}-${law.limit}`,
            need: ask.first === 0 ? 0 : ask.first + more,
          }),
        ),
    )
    const steps = fc.array(
      fc.record({
        session: fc.constantFrom('one', 'two', 'three'),
        skip: fc.constantFrom(-1, 0, 0, 0, 0, 1),
        // Whole seconds, so that no remainder of a double decides whether a unit is there.
        gapMs: fc.constantFrom(0, 0, 1000, 4000, 7 * HOUR, 24 * HOUR),
        asks: fc.uniqueArray(asks, { maxLength: 5, selector: ({ id }) => id }),
      }),
      { maxLength: 25 },
    )
    property.prop([steps, fc.integer({ min: 0, max: 4000 })], { numRuns: 60 })(
      'answers whatever it is told as the law says',
      async (said, days) => {
        const time: { nowMs: number } = { nowMs: Date.UTC(2024, 0, 1) + days * 24 * HOUR }
        const authority = await open(() => time.nowMs)
        const law = new LeaseBook()
        const last = new Map<string, LeaseExchange>()
        for (const { asks: asked, gapMs, session, skip } of said) {
          time.nowMs += gapMs
          const before = last.get(session)
          // Less one: the last message again.
          const fresh = { session, sequence: (before?.sequence ?? 0) + 1 + Math.max(0, skip), asks: asked }
          const message = skip < 0 ? (before ?? fresh) : fresh
          last.set(session, message)
          const now: AuthorityTime = { monotonicMs: time.nowMs, nowMs: time.nowMs }
          expect(await authority.exchange(message)).toEqual(law.exchange(message, now).answer)
        }
      },
    )
  })
}
