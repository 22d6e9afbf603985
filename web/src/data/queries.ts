import { client } from './client.ts'
import { type FollowedRollout, followLooks, isSameRollout } from './followed-looks.ts'
import type { Query } from './query-cache.ts'

/** Every read of the pages, by key. `live.ts` says which event makes which of them stale. */

const query = <T>(key: string, read: () => Promise<T>, minIntervalMs?: (last: T | undefined) => number) =>
  ({ key, read, ...(minIntervalMs === undefined ? {} : { minIntervalMs }) }) satisfies Query<T>

export const modelsQuery = () =>
  query('models', async () => (await client.call('listModels', { query: { limit: 1000 } })).items)

export const modelQuery = (model: string) =>
  query(`model:${model}`, () => client.call('getModel', { params: { model } }))

export const versionsQuery = (model: string) =>
  query(
    `versions:${model}`,
    async () => (await client.call('listVersions', { params: { model }, query: { limit: 200 } })).items,
  )

export const deploymentsQuery = (model: string) =>
  query(
    `deployments:${model}`,
    async () => (await client.call('getDeployments', { params: { model } })).items,
  )

export const changesQuery = () =>
  query('changes', async () => (await client.call('listChanges', { query: { limit: 200 } })).items)

export const changeQuery = (change: string) =>
  query(`change:${change}`, () => client.call('getChange', { params: { change } }))

export const evidenceQuery = (change: string) =>
  query(`evidence:${change}`, async () => (await client.call('listEvidence', { params: { change } })).items)

export const changeEventsQuery = (change: string) =>
  query(
    `change-events:${change}`,
    async () => (await client.call('listChangeEvents', { params: { change } })).items,
  )

/** The answer grows by one look a second: only the new ones are read. */
export const rolloutQuery = (change: string) =>
  ({
    key: `rollout:${change}`,
    read: (known) =>
      followLooks((range) => client.call('getRollout', { params: { change }, query: range }), known),
    isSame: isSameRollout,
  }) satisfies Query<FollowedRollout>

/** What the signed-in key may do. It does not change while it is signed in. */
export const whoAmIQuery = () => query('whoami', () => client.call('whoAmI'))

/** The newest splits, as many as a page shows at once. */
export const trafficHistoryQuery = (model: string, limit: number) =>
  query(`traffic-history:${model}:${limit}`, () =>
    client.call('listTrafficHistory', { params: { model }, query: { limit } }),
  )

/** The split that held at a time; null before the first one. */
export const trafficAtQuery = (model: string, at: number) =>
  query(
    `traffic-at:${model}:${at}`,
    async () =>
      (await client.call('listTrafficHistory', { params: { model }, query: { at, limit: 1 } })).items[0] ??
      null,
  )

export const incidentsQuery = () =>
  query('incidents', async () => (await client.call('listIncidents', { query: { limit: 200 } })).items)

export const failureCasesQuery = () =>
  query('failure-cases', async () => (await client.call('listFailureCases', { query: { limit: 200 } })).items)

/** The last 15 minutes, with the server's time: a page's own clock may run elsewhere. */
export const windowsQuery = (model: string, sizeMs: number) =>
  query(
    `windows:${model}:${sizeMs}`,
    async () => {
      const { answer, headers } = await client.send('listWindows', { params: { model }, query: { sizeMs } })
      return { windows: answer.items, nowMs: Date.parse(headers.get('date') ?? '') || Date.now() }
    },
    () => 2000,
  )

/** Spans of the figures of text, with points that a page can draw. */
const TEXT_SPANS = {
  hour: { spanMs: 3_600_000, sizeMs: 60_000 },
  day: { spanMs: 86_400_000, sizeMs: 900_000 },
  week: { spanMs: 604_800_000, sizeMs: 7_200_000 },
} as const

/** The last hour ends where the server's time is; for longer ones the page's clock is near enough. */
export const textStatsQuery = (model: string, span: keyof typeof TEXT_SPANS) =>
  query(
    `text-stats:${model}:${span}`,
    async () => {
      const { sizeMs, spanMs } = TEXT_SPANS[span]
      const toMs = Date.now() + 1
      return await client.call('getTextStats', {
        params: { model },
        query: span === 'hour' ? { sizeMs } : { fromMs: toMs - spanMs, toMs, sizeMs },
      })
    },
    () => (span === 'hour' ? 3000 : 30_000),
  )

export const servingPolicyQuery = (model: string) =>
  query(`serving-policy:${model}`, () => client.call('getServingPolicy', { params: { model } }))

export interface RequestFilter {
  readonly model: string
  readonly version: string | undefined
  readonly status: number | undefined
  readonly requestId: string | undefined
}

export const requestsQuery = (filter: RequestFilter) =>
  query(
    `requests:${filter.model}:${filter.version ?? ''}:${filter.status ?? ''}:${filter.requestId ?? ''}`,
    async () => (await client.call('listRequests', { query: { ...filter, limit: 25 } })).items,
    () => 3000,
  )
