import { useState } from 'react'
import type { RequestRecord } from '../../../../src/contracts/index.ts'
import { requestsQuery } from '../../data/queries.ts'
import { useQuery } from '../../data/use-query.ts'
import { milliseconds } from '../../format/numbers.ts'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Failure, Panel, Waiting } from '../../parts/panel.tsx'
import { At } from '../../parts/time.tsx'

/** The request log: by version, by status, or one request by its id. */
export function RequestsPanel({ model, versions }: { model: string; versions: readonly string[] }) {
  const [version, setVersion] = useState('')
  const [status, setStatus] = useState('')
  const [requestId, setRequestId] = useState('')
  const { data: requests, error } = useQuery(
    requestsQuery({
      model,
      version: version === '' ? undefined : version,
      status: status === '' ? undefined : Number(status),
      requestId: requestId.trim() === '' ? undefined : requestId.trim(),
    }),
  )
  return (
    <Panel
      title="What was asked last?"
      sub="The newest 25 requests. The id is in every answer’s x-slipway-request-id."
      aside={
        <div className="filters">
          <label>
            version{' '}
            <select className="select" value={version} onChange={(event) => setVersion(event.target.value)}>
              <option value="">all</option>
              {versions.map((label) => (
                <option key={label}>{label}</option>
              ))}
            </select>
          </label>
          <label>
            status{' '}
            <select className="select" value={status} onChange={(event) => setStatus(event.target.value)}>
              <option value="">all</option>
              {[200, 400, 429, 500, 502, 503, 504].map((code) => (
                <option key={code}>{code}</option>
              ))}
            </select>
          </label>
          <label>
            request{' '}
            <input
              className="select"
              size={14}
              value={requestId}
              maxLength={64}
              spellCheck={false}
              onChange={(event) => setRequestId(event.target.value)}
            />
          </label>
        </div>
      }
    >
      {error !== undefined && <Failure error={error} />}
      {requests === undefined ? (
        <Waiting what="requests" />
      ) : requests.length === 0 ? (
        <p className="mute">No request like that is in the log.</p>
      ) : (
        <DataTable columns={COLUMNS} rows={requests} keyOf={({ requestId }) => requestId} />
      )}
    </Panel>
  )
}

const COLUMNS: readonly Column<RequestRecord>[] = [
  { head: 'When', className: 'nowrap', cell: ({ at }) => <At at={at} withSeconds /> },
  { head: 'Request', className: 'nowrap', cell: ({ requestId }) => <code>{requestId}</code> },
  { head: 'Version', cell: ({ version }) => version ?? '–' },
  {
    head: 'Answer',
    className: ({ outcome }) => (outcome === 'ok' ? 'nowrap' : 'nowrap bad strong'),
    cell: ({ status, code, outcome }) => `${status} ${code ?? outcome}`,
  },
  { head: 'Latency', isNumber: true, cell: ({ latencyMs }) => milliseconds(latencyMs) },
  { head: 'Queue', isNumber: true, className: 'mute', cell: ({ queueMs }) => milliseconds(queueMs) },
  { head: 'Compute', isNumber: true, className: 'mute', cell: ({ computeMs }) => milliseconds(computeMs) },
  { head: 'Rows', isNumber: true, cell: ({ rows }) => rows },
  {
    head: 'Dealt',
    className: 'mute',
    cell: ({ assignment }) => (assignment === 'split' ? 'by split' : 'pinned'),
  },
]
