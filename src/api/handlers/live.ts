import type { Snapshot, StatusReport } from '../../contracts/index.ts'
import { latestOnly } from '../event-stream.ts'
import { liveEvents } from '../live-events.ts'
import type { ApiParts, Handlers } from '../parts.ts'
import { publishedDeployment } from '../published-deployment.ts'
import { summarise } from './models.ts'

export function liveHandlers(
  parts: ApiParts,
): Handlers<'status' | 'events' | 'watchSnapshot' | 'postTelemetry' | 'exchangeLeases'> {
  const { store, fleet, telemetry } = parts
  return {
    async status(): Promise<StatusReport> {
      const models = await store.models.list({ limit: 1000 })
      const rows = await store.deployments.list()
      return {
        version: parts.version,
        store: store.kind,
        startedAt: parts.startedAt,
        models: await Promise.all(models.items.map((model) => summarise(parts, model))),
        deployments: rows.map((row) => publishedDeployment(row, fleet)),
        processes: await parts.processes(),
      }
    },
    async events({ signal }) {
      return liveEvents(parts, signal)
    },
    /** Each gateway keeps one of these open; a slow one gets the newest snapshot, never a backlog of old ones. */
    async watchSnapshot({ signal }) {
      return latestOnly<Snapshot, { event: string; data: unknown; id: string }>(
        (publish) => {
          publish(fleet.snapshot())
          return fleet.onSnapshot(publish)
        },
        (snapshot) => ({ event: 'snapshot', data: snapshot, id: String(snapshot.revision) }),
        signal,
      )
    },
    postTelemetry: ({ body }) => telemetry.ingest(body),
    exchangeLeases: ({ body }) => parts.leases.exchange(body),
  }
}
