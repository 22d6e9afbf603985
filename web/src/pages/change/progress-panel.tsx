import type { Change, CheckProgress } from '../../../../src/contracts/index.ts'
import { duration, grouped } from '../../format/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import { Actions } from './actions.tsx'

/** While checks run: how far each is and how long it will take. */
export function ProgressPanel({ change }: { change: Change }) {
  const leftMs = change.checks.reduce(
    (sum, { status, etaMs }) => sum + (status === 'running' ? (etaMs ?? 0) : 0),
    0,
  )
  return (
    <Panel
      title="How far are the checks?"
      sub={`Both versions are measured in the same session, on the path that users take${leftMs > 0 ? `; the running one is done in about ${duration(leftMs)}` : ''}.`}
    >
      <table className="checks">
        <tbody>
          {change.checks.map((check) => (
            <CheckRow key={check.check} check={check} />
          ))}
        </tbody>
      </table>
      <Actions change={change} rollout={null} />
    </Panel>
  )
}

const MARKS = { waiting: '·', running: '▸', pass: '✓', fail: '✗', inconclusive: '?', invalid: '!' }

function CheckRow({ check }: { check: CheckProgress }) {
  const share = check.total > 0 ? Math.min(1, check.done / check.total) : 0
  const counted = `${grouped(check.done)} of ${grouped(check.total)} ${check.unit}`
  return (
    <tr>
      <th scope="row">
        <span
          className={`mark ${check.status === 'pass' ? 'ok' : check.status === 'waiting' ? 'mute' : ''}`}
          aria-hidden="true"
        >
          {MARKS[check.status]}
        </span>{' '}
        {check.check}
      </th>
      <td className="check-bar">
        {check.status === 'running' && (
          <progress max={1} value={share} aria-label={`${check.check}: ${counted}`}>
            {counted}
          </progress>
        )}
      </td>
      <td className="mute">
        {check.status === 'running'
          ? `${counted}${check.etaMs === null ? '' : ` · ${duration(check.etaMs)} left`}`
          : (check.summary ?? check.status)}
      </td>
    </tr>
  )
}
