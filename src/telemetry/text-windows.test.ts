import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import type { RequestRecord, TextRecord } from '../contracts/index.ts'
import { bucketEdgeMs, bucketOf } from '../kernel/index.ts'
import { sampleText } from '../store/testing.ts'
import { sampleRecord } from './testing/samples.ts'
import { textSummary } from './text-summary.ts'
import { textWindowsOf } from './text-windows.ts'

const AT = 1_700_000_040_000

const record = (text: Partial<TextRecord> = {}, fields: Partial<RequestRecord> = {}): RequestRecord =>
  sampleRecord({
    at: AT,
    version: 'v1',
    outcome: 'ok',
    code: null,
    text: { ...sampleText('p'), ...text },
    ...fields,
  })
const summary = (...records: RequestRecord[]) => textSummary(textWindowsOf(records), 60_000)

describe('what versions of text answered', () => {
  test('rows without text, and requests that got no version, are not in it', () => {
    const { text: _, ...plain } = record()
    expect(textWindowsOf([plain, record({}, { version: null })])).toEqual([])
  })

  test('pinned requests cost as much as dealt ones', () => {
    expect(summary(record({}, { assignment: 'pinned' })).total.requests).toBe(1)
  })

  test('a cost that nobody knows is counted, and is no dollars', () => {
    const unknown = { state: 'unknown', costUsd: null, price: null } as const
    const { total } = summary(record({ cost: unknown }), record())
    expect(total.costs).toEqual([
      { state: 'exact', requests: 1, costUsd: '0.0000036' },
      { state: 'unknown', requests: 1, costUsd: null },
    ])
  })

  test('tokens that nobody told are requests of unknown usage, not none', () => {
    const usage = { ...sampleText('p').usage, input: null, output: null }
    expect(summary(record({ usage }), record()).total.tokens).toEqual({
      input: 12,
      cacheRead: 0,
      cacheWrite: 0,
      output: 3,
      unknownRequests: 1,
    })
  })

  test('money below a nanodollar a request adds up before it is rounded', () => {
    const cost = { state: 'exact', costUsd: '0.0000000004', price: 'p' } as const
    expect(summary(...Array.from({ length: 10 }, () => record({ cost }))).total.costs).toEqual([
      { state: 'exact', requests: 10, costUsd: '0.000000004' },
    ])
  })

  test('gaps are those between the contents of whole streams that somebody was asked for', () => {
    const told = { ttftMs: 100, chunks: 5 }
    const { itl, ttft } = summary(
      record(told, { latencyMs: 500 }),
      record({ ...told, chunks: 1 }, { latencyMs: 9000 }),
      record({ ...told, cache: 'hit' }, { latencyMs: 9000 }),
      record({ ...told, stream: false }, { latencyMs: 9000 }),
      record(told, { latencyMs: 9000, outcome: 'error', code: 'upstream_failed' }),
    ).total
    expect(itl).toEqual({ count: 1, p50Ms: bucketEdgeMs(bucketOf(100)), p95Ms: null })
    expect(ttft.count).toBe(3)
  })

  test('rungs count answers, and only those', () => {
    const { rungs } = summary(
      record(),
      record(),
      record({ rung: 'backup' }),
      record({ rung: 'backup' }, { outcome: 'error', code: 'upstream_failed' }),
    )
    expect(rungs).toEqual([
      { rung: null, answers: 2 },
      { rung: 'backup', answers: 1 },
    ])
  })

  test('verdicts are told by rule, place and mode; a name may have dots', () => {
    const verdict = {
      rule: 'no.cards',
      checkpoint: 'input',
      mode: 'shadow',
      verdict: 'redact',
      tookMs: 1,
    } as const
    const { rules } = summary(
      record({ guardrails: [verdict, { ...verdict, verdict: 'pass' }, { ...verdict, mode: 'enforce' }] }),
    )
    const none = { rule: 'no.cards', checkpoint: 'input', pass: 0, block: 0, redact: 1, error: 0 }
    expect(rules).toEqual([
      { ...none, mode: 'shadow', pass: 1 },
      { ...none, mode: 'enforce' },
    ])
  })

  test('tries are told by account and end; those of our own replicas are not tries of a provider', () => {
    const tried = {
      rung: 'full',
      version: 'v1',
      provider: 'p',
      account: 'a',
      status: 200,
      code: null,
      tookMs: 1,
    }
    const { tries } = summary(
      record({
        attempts: [tried, { ...tried, code: 'upstream_rate_limited' }, { ...tried, provider: null }],
      }),
    )
    expect(tries).toEqual([{ provider: 'p', account: 'a', ends: { ok: 1, upstream_rate_limited: 1 } }])
  })

  test('points of a series are whole spans of minutes', () => {
    const windows = textWindowsOf([
      record({}, { at: 0 }),
      record({}, { at: 119_999 }),
      record({}, { at: 120_000 }),
    ])
    const { series } = textSummary(windows, 120_000)
    expect(series.map(({ requests, startMs }) => [startMs, requests])).toEqual([
      [0, 2],
      [120_000, 1],
    ])
  })

  test('a sender that makes names up does not make a row without bound', () => {
    const rules = (from: number) =>
      Array.from({ length: 128 }, (_, index) => ({
        rule: `r${from + index}`,
        checkpoint: 'input' as const,
        mode: 'enforce' as const,
        verdict: 'pass' as const,
        tookMs: 1,
      }))
    const records = Array.from({ length: 60 }, (_, index) => record({ guardrails: rules(index * 128) }))
    const [window] = textWindowsOf(records)
    expect(Object.keys(window?.counts ?? {}).length).toBeLessThanOrEqual(4200)
    expect(window?.counts['keys.dropped']).toBeGreaterThan(0)
  })

  property.prop([fc.array(fc.record({ at: fc.nat({ max: 300_000 }), input: fc.option(fc.nat(1000)) }))])(
    'nothing is lost between records and totals',
    (given) => {
      const records = given.map(({ at, input }) =>
        record({ usage: { ...sampleText('p').usage, input } }, { at }),
      )
      const { series, total, versions } = summary(...records)
      expect(total.requests).toBe(records.length)
      expect(series.reduce((sum, point) => sum + point.requests, 0)).toBe(records.length)
      expect(versions.reduce((sum, version) => sum + version.tokens.input, 0)).toBe(
        given.reduce((sum, { input }) => sum + (input ?? 0), 0),
      )
    },
  )
})
