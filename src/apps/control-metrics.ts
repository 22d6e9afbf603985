import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Fleet } from '../fleet/index.ts'
import type { Store } from '../store/index.ts'
import type { Telemetry } from '../telemetry/index.ts'

/** `/metrics` of control: the process, what runs, what moves, what telemetry took and lost. Read when it is asked for. */
export function controlMetrics(parts: {
  store: Store
  fleet: Fleet
  telemetry: Telemetry
}): () => Promise<string> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'slipway_control_' })
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] })
  const replicas = gauge('slipway_replicas', 'Replicas by version and phase.', ['model', 'version', 'phase'])
  const changes = gauge('slipway_changes_open', 'Open changes by state.', ['state'])
  const incidents = gauge('slipway_incidents_open', 'Incidents that nobody closed.')
  const snapshot = gauge('slipway_snapshot_revision', 'Revision of the newest snapshot.')
  const telemetry = gauge('slipway_telemetry', 'What telemetry took, lost and holds, by kind.', ['kind'])
  return async () => {
    replicas.reset()
    changes.reset()
    for (const { model, label, status, alive } of parts.fleet.replicas())
      replicas.inc({ model, version: label, phase: alive ? status.phase : 'gone' })
    for (const change of (await parts.store.changes.list({ open: true }, { limit: 1000 })).items)
      changes.inc({ state: change.state })
    incidents.set((await parts.store.incidents.list({ open: true }, { limit: 1000 })).items.length)
    snapshot.set(parts.fleet.snapshot().revision)
    for (const [kind, value] of Object.entries(parts.telemetry.metrics())) telemetry.set({ kind }, value)
    return await registry.metrics()
  }
}
