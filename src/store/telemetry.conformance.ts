import { fc } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import type { FailureCase, TrafficWindow } from '../contracts/index.ts'
import type { Opened } from './testing/opened.ts'
import { AT, sampleIncident, sampleRecord, sampleText, spamModel } from './testing/samples.ts'

const DAY_MS = 86_400_000

const window = (fields: Partial<TrafficWindow> = {}): TrafficWindow => ({
  model: 'spam_filter',
  version: 'v1',
  startMs: AT,
  sizeMs: 1000,
  requests: 3,
  errors: 1,
  timeouts: 0,
  refusals: 0,
  rows: 5,
  computeMs: 1.5,
  latency: { '100': 2, '120': 1 },
  ...fields,
})

const failure = (requestId: string): FailureCase => ({
  id: `f-${requestId}`,
  requestId,
  model: 'spam_filter',
  version: 'v2',
  at: AT,
  code: 'model_failed',
  label: 'negative',
  input: '{"features":[1]}',
  changeId: null,
  incidentId: null,
})

export function describeTelemetry(opened: () => Opened): void {
  describe('request log', () => {
    test('any record comes back as it went in', async () => {
      const { store } = opened()
      let sequence = 0
      const text = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('\\N', '\\.', '\\', 'a\tb\nc\rd\\e\bf\vg\fh', ''),
      )
      const records = fc.array(
        fc.record({
          requestId: fc.uuid(),
          tenant: text,
          key: text,
          replica: fc.option(text),
          code: fc.option(text),
          version: fc.option(fc.constantFrom('v1', 'v2')),
          input: text,
          text: fc.string().map(sampleText),
          bucket: fc.option(fc.nat({ max: 4_294_967_295 })),
          at: fc.integer({ min: AT - DAY_MS, max: AT + DAY_MS }),
          latencyMs: fc.double({ min: 0, max: 1e7, noNaN: true }).map((ms) => ms + 0),
        }),
        { maxLength: 20 },
      )
      await fc.assert(
        fc.asyncProperty(records, async (made) => {
          const sent = made.map((fields) => sampleRecord(fields))
          await store.requestLog.append({ gateway: 'g', sequence: sequence++ }, sent)
          for (const record of sent) {
            const found = await store.requestLog.list({ requestId: record.requestId }, { limit: 2 })
            expect(found.items).toEqual([
              JSON.parse(
                JSON.stringify(record)
                  .toWellFormed()
                  .replaceAll('\\u0000', '\uFFFD')
                  .replaceAll(/\\ud[89a-f][0-9a-f]{2}/g, '\uFFFD'),
              ),
            ])
          }
        }),
        { numRuns: 25 },
      )
    })

    test('a batch is taken once, also when both copies come at the same time', async () => {
      const { store } = opened()
      const batch = { gateway: 'g1', sequence: 7 }
      const taken = await Promise.all([1, 2, 3].map(() => store.requestLog.append(batch, [sampleRecord()])))
      expect(taken.map((answer) => answer.taken).sort()).toEqual([0, 0, 1])
      expect(await store.requestLog.append({ gateway: 'g2', sequence: 7 }, [sampleRecord()])).toEqual({
        taken: 1,
      })
      expect(await store.requestLog.count({})).toBe(2)
    })

    test('of several batches only new ones count, and what follows is stored with them', async () => {
      const { store } = opened()
      await store.requestLog.append({ gateway: 'g', sequence: 1 }, [sampleRecord()])
      const batch = (sequence: number, requestId: string) => ({
        gateway: 'g',
        sequence,
        records: [sampleRecord({ requestId })],
      })
      const seen: string[] = []
      const answer = await store.requestLog.take(
        [batch(1, 'again'), batch(2, 'new'), batch(2, 'twice'), batch(3, 'more')],
        (records) => {
          seen.push(...records.map(({ requestId }) => requestId))
          return { windows: [window()], failureCases: [failure('new'), failure('new')] }
        },
      )
      expect(answer).toEqual({ isNew: [false, true, false, true], newCases: 1 })
      expect(seen).toEqual(['new', 'more'])
      expect(await store.windows.list({ model: 'spam_filter', fromMs: AT, toMs: AT + 1 })).toEqual([window()])
    })

    test('a batch whose consequences cannot be stored is not taken at all', async () => {
      const { store } = opened()
      const source = { gateway: 'g', sequence: 1 }
      const derive = () => {
        throw new Error('no')
      }
      await expect(store.requestLog.take([{ ...source, records: [sampleRecord()] }], derive)).rejects.toThrow(
        'no',
      )
      expect(await store.requestLog.count({})).toBe(0)
      expect(await store.requestLog.append(source, [sampleRecord()])).toEqual({ taken: 1 })
    })

    test('it is listed newest first, filtered, in pages', async () => {
      const { store } = opened()
      const records = Array.from({ length: 7 }, (_, index) =>
        sampleRecord({
          requestId: `r-${index}`,
          at: AT + Math.floor(index / 2) * 1000,
          version: index % 2 === 0 ? 'v1' : null,
          status: index === 3 ? 502 : 200,
        }),
      )
      await store.requestLog.append({ gateway: 'g', sequence: 1 }, records)
      const ids: string[] = []
      let cursor: string | null = null
      do {
        const page = await store.requestLog.list({ model: 'spam_filter' }, { limit: 2, cursor })
        ids.push(...page.items.map(({ requestId }) => requestId))
        cursor = page.next
      } while (cursor !== null)
      expect(ids).toEqual(['r-6', 'r-5', 'r-4', 'r-3', 'r-2', 'r-1', 'r-0'])
      const found = async (filter: Parameters<typeof store.requestLog.list>[0]) =>
        (await store.requestLog.list(filter, { limit: 10 })).items.length
      expect(await found({ version: 'v1' })).toBe(4)
      expect(await found({ status: 502 })).toBe(1)
      expect(await found({ model: 'other' })).toBe(0)
      expect(await store.requestLog.count({ model: 'spam_filter', fromMs: AT, toMs: AT + 1000 })).toBe(2)
      await expect(store.requestLog.list({}, { limit: 1, cursor: '!' })).rejects.toMatchObject({
        code: 'invalid_request',
      })
    })

    test('no record is lost for its day, and retention drops whole days', async () => {
      const { store } = opened()
      const at = (days: number) => sampleRecord({ requestId: `day${days}`, at: AT + days * DAY_MS })
      const count = () => store.requestLog.count({})
      // Before any partition is there, for the past, and past what is made ahead.
      await store.requestLog.append({ gateway: 'g', sequence: 1 }, [-400, -3, 0, 5, 9].map(at))
      await store.windows.merge([window(), window({ startMs: AT + 9 * DAY_MS })])
      const first = await store.requestLog.maintainPartitions(AT, 30)
      expect(first.made).toContain('inference_logs_20260115')
      expect(first.made).toContain('windows_20260122')
      expect(first).toMatchObject({ dropped: [], made: { length: 16 } })
      expect(await count()).toBe(4) // the one of 400 days ago was past retention
      expect(await store.requestLog.maintainPartitions(AT, 30)).toEqual({ made: [], dropped: [] })

      await store.requestLog.append({ gateway: 'g', sequence: 2 }, [0, 1, 7, 8].map(at))
      expect(await count()).toBe(8)
      const later = await store.requestLog.maintainPartitions(AT + 3 * DAY_MS, 1)
      expect(later.dropped.sort()).toEqual(
        ['20260115', '20260116'].flatMap((day) => [`inference_logs_${day}`, `windows_${day}`]).sort(),
      )
      expect(await count()).toBe(4) // days 5, 9 (moved out of the default partition), 7 and 8
      expect(
        await store.windows.list({ model: 'spam_filter', fromMs: 0, toMs: AT + 99 * DAY_MS }),
      ).toHaveLength(1)
    })

    test('one record with a broken clock or an absurd number does not fail its batch', async () => {
      const { store } = opened()
      const odd = sampleRecord({ at: Number.MAX_SAFE_INTEGER, rows: 1e12, retries: -1e12 })
      expect(await store.requestLog.append({ gateway: 'g', sequence: 1 }, [odd, sampleRecord()])).toEqual({
        taken: 2,
      })
    })
  })

  describe('windows', () => {
    test('the same window merges: counts and histograms add up, whoever writes at once', async () => {
      const { store } = opened()
      const other = window({ version: 'v2' })
      await Promise.all([
        store.windows.merge([window(), other]),
        store.windows.merge([other, window(), window()]),
        store.windows.merge([]),
      ])
      const [v1, v2] = await store.windows.list({ model: 'spam_filter', fromMs: AT, toMs: AT + 1000 })
      expect(v1).toEqual(
        window({ requests: 9, errors: 3, rows: 15, computeMs: 4.5, latency: { '100': 6, '120': 3 } }),
      )
      expect(v2).toMatchObject({ version: 'v2', requests: 6 })
    })

    test('they are listed by start, from inclusive, to exclusive, of the versions asked for', async () => {
      const { store } = opened()
      await store.windows.merge([2, 0, 1].map((second) => window({ startMs: AT + second * 1000 })))
      const starts = async (fromMs: number, toMs: number, versions?: string[]) =>
        (await store.windows.list({ model: 'spam_filter', fromMs, toMs, ...(versions && { versions }) })).map(
          ({ startMs }) => startMs - AT,
        )
      expect(await starts(AT, AT + 2000)).toEqual([0, 1000])
      expect(await starts(AT, AT + 9000, ['v1'])).toEqual([0, 1000, 2000])
      expect(await starts(AT, AT + 9000, ['v2'])).toEqual([])
      expect(await starts(AT, AT + 9000, [])).toEqual([])
    })
  })

  describe('incidents and failure cases', () => {
    test('an incident gathers what was done and is closed once', async () => {
      const { store } = opened()
      await store.models.create(spamModel)
      await store.incidents.open(sampleIncident())
      await store.incidents.open({ ...sampleIncident(), title: 'again' })
      await Promise.all([1, 2].map((at) => store.incidents.addAction('i-1', { at, what: `did ${at}` })))
      expect((await store.incidents.list({ open: true }, { limit: 5 })).items).toHaveLength(1)
      await store.incidents.close('i-1', AT + 1)
      await store.incidents.close('i-1', AT + 2)
      const { items } = await store.incidents.list({ model: 'spam_filter', open: false }, { limit: 5 })
      expect(items).toMatchObject([
        { id: 'i-1', title: 'v2 fails', closedAt: AT + 1, before: sampleIncident().before },
      ])
      expect(items[0]?.actions.map(({ what }) => what).sort()).toEqual(['did 1', 'did 2'])
    })

    test('one case a request; cases are tied to what they belong to', async () => {
      const { store } = opened()
      expect(await store.failureCases.put([])).toBe(0)
      expect(await store.failureCases.put([failure('a'), failure('b'), failure('a')])).toBe(2)
      expect(await store.failureCases.put([{ ...failure('a'), id: 'f-else' }, failure('c')])).toBe(1)
      const since = { model: 'spam_filter', version: 'v2', sinceMs: AT }
      expect(await store.failureCases.attach(since, { changeId: 'c-aaaa', incidentId: 'i-1' })).toBe(3)
      expect(
        await store.failureCases.attach({ ...since, sinceMs: AT + 1 }, { changeId: null, incidentId: null }),
      ).toBe(0)
      const page = await store.failureCases.list({ change: 'c-aaaa' }, { limit: 2 })
      expect(page.items[0]).toEqual({ ...failure('c'), changeId: 'c-aaaa', incidentId: 'i-1' })
      expect(
        (await store.failureCases.list({ model: 'spam_filter' }, { limit: 2, cursor: page.next })).items,
      ).toHaveLength(1)
    })
  })
}
