import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { type Ladder, ladder } from '../../contracts/index.ts'
import { LadderState, ladderFaults, type RungFailure } from '../index.ts'

const policy = (more: Record<string, unknown> = {}): Ladder =>
  ladder.parse({
    rungs: [
      { kind: 'primary', name: 'full', quality: 1, trigger: { minRequests: 4, holdMs: 1000 } },
      {
        kind: 'version',
        name: 'small',
        version: 'v-small',
        quality: 0.9,
        trigger: { minRequests: 4, holdMs: 1000 },
      },
      { kind: 'cached', name: 'old', quality: 0.6, maxAgeMs: 60_000 },
      { kind: 'static', name: 'sorry', quality: 0.1, text: 'Please come back in a minute.' },
    ],
    monthlyDegradedShare: 1,
    ...more,
  })

const paid = { priority: 'interactive-paid', isPinned: false } as const
const batch = { priority: 'batch', isPinned: false } as const
const pinned = { priority: 'batch', isPinned: true } as const

describe('one request', () => {
  test.each<[string, number, RungFailure, number | undefined]>([
    ['an error leads to the lighter version', 0, 'error', 1],
    ['so does a refused quota', 0, 'rate-limited', 1],
    ['what the lighter one fails at goes to the older answer', 1, 'timeout', 2],
    ['and then to the fixed text', 2, 'error', 3],
    ['after which the failure is told', 3, 'error', undefined],
    ['a bad request is told at once', 0, undefined, undefined],
    ['a context that is too long is not a trigger unless it is named', 0, 'context-length', undefined],
  ])('%s', (_, rung, failure, next) =>
    expect(new LadderState(policy()).after(rung, failure, paid, 0, 0)).toBe(next),
  )

  test('a pinned request stays with its version', () => {
    const state = new LadderState(policy())
    expect(state.first(pinned, true, 0, 0)).toBe(0)
    expect(state.after(0, 'error', pinned, 0, 0)).toBeUndefined()
  })

  test.each([
    ['batch takes the lighter version', batch, 1],
    ['paid interactive traffic does not', paid, 0],
  ])('under load %s', (_, climber, rung) =>
    expect(new LadderState(policy()).first(climber, true, 0, 0)).toBe(rung),
  )
})

describe('a rung that fails', () => {
  /** Fails the primary so often at `nowMs`. */
  const fail = (state: LadderState, times: number, nowMs: number) => {
    for (let index = 0; index < times; index++) state.ended(0, false, 'error', nowMs, 0)
  }

  test('is set aside when its rate is over the threshold, and only with enough requests', () => {
    const state = new LadderState(policy())
    fail(state, 3, 5000)
    expect(state.first(paid, false, 5000, 0)).toBe(0)
    fail(state, 1, 5000)
    expect(state.first(paid, false, 5000, 0)).toBe(1)
  })

  test('is probed by one request at a time after its hold, and is back when the probes succeed', () => {
    const state = new LadderState(policy())
    fail(state, 4, 5000)
    expect(state.first(paid, false, 5999, 0)).toBe(1)
    expect([state.first(paid, false, 6000, 0), state.first(paid, false, 6000, 0)]).toEqual([0, 1])
    for (let probe = 0; probe < 3; probe++) {
      state.ended(0, true, undefined, 6000 + probe, 0)
      if (probe < 2) expect(state.first(paid, false, 6000 + probe, 0)).toBe(0)
    }
    expect([state.first(paid, false, 6010, 0), state.first(paid, false, 6010, 0)]).toEqual([0, 0])
  })

  test('stays aside when a probe fails', () => {
    const state = new LadderState(policy())
    fail(state, 4, 5000)
    state.first(paid, false, 6000, 0)
    state.ended(0, false, 'error', 6000, 0)
    expect(state.first(paid, false, 6500, 0)).toBe(1)
    expect(state.first(paid, false, 7000, 0)).toBe(0)
  })

  test('a cancelled probe gives its place back', () => {
    const state = new LadderState(policy())
    fail(state, 4, 5000)
    state.first(paid, false, 6000, 0)
    state.ended(0, false, undefined, 6001, 0)
    expect(state.first(paid, false, 6002, 0)).toBe(0)
  })

  test('failures that are about the request do not set it aside', () => {
    const state = new LadderState(policy())
    for (let index = 0; index < 50; index++) state.ended(0, false, 'content-filter', 5000, 0)
    expect(state.first(paid, false, 5000, 0)).toBe(0)
  })

  test('failures that are long past do not count', () => {
    const state = new LadderState(policy())
    fail(state, 3, 5000)
    fail(state, 1, 20_000)
    expect(state.first(paid, false, 20_000, 0)).toBe(0)
  })
})

describe('the budget of degraded answers', () => {
  test('when it is used up the failure is told, until the next month', () => {
    const january = Date.parse('2026-01-31T23:59:00Z')
    const state = new LadderState(policy({ monthlyDegradedShare: 0.001 }))
    expect(state.after(0, 'error', paid, 0, january)).toBe(1)
    state.ended(1, true, undefined, 0, january)
    expect(state.after(0, 'error', paid, 0, january)).toBeUndefined()
    expect(state.after(0, 'error', paid, 0, january + 60_000)).toBe(1)
  })

  property.prop([fc.double({ min: 0, max: 0.5, noNaN: true }), fc.array(fc.boolean(), { maxLength: 400 })])(
    'never exceeds share × (answers + 1000)',
    (share, failures) => {
      const state = new LadderState(policy({ monthlyDegradedShare: share }))
      let degraded = 0
      failures.forEach((fails, index) => {
        let rung: number | undefined = state.first(paid, false, index, 0)
        if (rung === 0 && fails) {
          state.ended(0, false, 'error', index, 0)
          rung = state.after(0, 'error', paid, index, 0)
        }
        if (rung === undefined) return
        state.ended(rung, true, undefined, index, 0)
        if (rung > 0) degraded++
      })
      expect(degraded).toBeLessThanOrEqual(share * (failures.length + 1000))
    },
  )
})

property.prop([fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.boolean()), { maxLength: 600 })])(
  'a rung never changes its state faster than its hold, whatever happens',
  (requests) => {
    const state = new LadderState(policy())
    let nowMs = 0
    let openedAtMs: number | undefined
    let closedAtMs: number | undefined
    let wasAside = false
    for (const [gapMs, fails] of requests) {
      nowMs += gapMs
      const rung = state.first(paid, false, nowMs, 0)
      state.ended(rung, !(fails && rung === 0), fails && rung === 0 ? 'error' : undefined, nowMs, 0)
      const isAside = state.view(nowMs, 0).rungs[0]?.state !== 'closed'
      if (isAside && !wasAside) {
        if (closedAtMs !== undefined) expect(nowMs - closedAtMs).toBeGreaterThanOrEqual(1000)
        openedAtMs = nowMs
      }
      if (!isAside && wasAside) {
        expect(nowMs - (openedAtMs ?? 0)).toBeGreaterThanOrEqual(1000)
        closedAtMs = nowMs
      }
      wasAside = isAside
    }
  },
)

describe('a policy that cannot come true says why', () => {
  const rung = (more: Record<string, unknown>) => ({
    kind: 'version',
    name: 'b',
    version: 'v2',
    quality: 0.5,
    ...more,
  })
  const primary = { kind: 'primary', name: 'a', quality: 1 }
  test.each<[string, Record<string, unknown>, RegExp]>([
    ['no primary', { rungs: [rung({})] }, /must be the primary/],
    ['two primaries', { rungs: [primary, { ...primary, name: 'c' }] }, /second primary/],
    ['a name twice', { rungs: [primary, rung({ name: 'a' })] }, /name a is taken/],
    ['quality that rises', { rungs: [{ ...primary, quality: 0.4 }, rung({})] }, /above the 0.4/],
    [
      'a rung below a fixed text',
      { rungs: [primary, { kind: 'static', name: 's', quality: 0.6, text: 'x' }, rung({})] },
      /never reached: a fixed text/,
    ],
    ['no trigger', { rungs: [{ ...primary, trigger: { on: [] } }, rung({})] }, /has no trigger/],
    [
      'thresholds that cross',
      { rungs: [{ ...primary, trigger: { openAboveRate: 0.1, closeBelowRate: 0.2 } }, rung({})] },
      /would flap/,
    ],
    ['no budget', { rungs: [primary, rung({})], monthlyDegradedShare: 0 }, /may ever answer/],
  ])('%s', (_, written, says) => expect(ladderFaults(ladder.parse(written)).join('\n')).toMatch(says))

  test('a sound one says nothing', () => expect(ladderFaults(policy())).toEqual([]))
})
