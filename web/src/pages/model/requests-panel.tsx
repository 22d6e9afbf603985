import { useState } from 'react'
import type { RequestRecord } from '../../../../src/contracts/index.ts'
import { requestsQuery } from '../../data/queries.ts'
import { useQuery } from '../../data/use-query.ts'
import { milliseconds } from '../../format/numbers.ts'
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
        <RequestTable requests={requests} />
      )}
    </Panel>
  )
}

function RequestTable({ requests }: { requests: readonly RequestRecord[] }) {
  return (
    <div className="scroll">
      <table className="small requests">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Request</th>
            <th scope="col">Version</th>
            <th scope="col">Answer</th>
            <th scope="col" className="number">
              Latency
            </th>
            <th scope="col" className="number">
              Queue
            </th>
            <th scope="col" className="number">
              Compute
            </th>
            <th scope="col" className="number">
              Rows
            </th>
            <th scope="col">Dealt</th>
          </tr>
        </thead>
        <tbody>
          {requests.map((request) => (
            <tr key={request.requestId}>
              <td className="nowrap">
                <At at={request.at} withSeconds />
              </td>
              <td className="nowrap">
                <code>{request.requestId}</code>
              </td>
              <td>{request.version ?? '–'}</td>
              <td className={request.outcome === 'ok' ? 'nowrap' : 'nowrap bad strong'}>
                {request.status} {request.code ?? request.outcome}
              </td>
              <td className="number">{milliseconds(request.latencyMs)}</td>
              <td className="number mute">{milliseconds(request.queueMs)}</td>
              <td className="number mute">{milliseconds(request.computeMs)}</td>
              <td className="number">{request.rows}</td>
              <td className="mute">{request.assignment === 'split' ? 'by split' : 'pinned'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
