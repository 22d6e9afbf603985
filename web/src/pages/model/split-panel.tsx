import type { Deployment, ModelSummary } from '../../../../src/contracts/index.ts'
import { sharePercent } from '../../format/numbers.ts'
import { Empty, Panel } from '../../parts/panel.tsx'
import { Ago } from '../../parts/time.tsx'

interface SplitPanelProps {
  readonly model: ModelSummary
  readonly deployments: readonly Deployment[]
  /** Versions in the order of their colours. */
  readonly order: readonly string[]
}

/** Who answers how much of the traffic, with which replicas. */
export function SplitPanel({ model, deployments, order }: SplitPanelProps) {
  const shares = Object.entries(model.traffic?.shares ?? {})
    .filter(([, share]) => share > 0)
    .sort(([left], [right]) => Number(right === model.champion) - Number(left === model.champion))
  const colour = (version: string) => {
    const at = order.indexOf(version)
    return Math.min(at >= 0 ? at : version === model.champion ? 0 : 1, 3)
  }
  const running = deployments.filter(({ status }) => status !== 'stopped')
  return (
    <Panel
      title="Who answers?"
      sub={
        model.traffic === null ? (
          'No traffic split is set.'
        ) : (
          <>
            Split {model.traffic.revision}, {model.traffic.reason}, <Ago at={model.traffic.updatedAt} />
          </>
        )
      }
    >
      {shares.length > 0 && (
        <div
          className="split"
          role="img"
          aria-label={shares.map(([version, share]) => `${version} ${sharePercent(share)}`).join(', ')}
        >
          {shares.map(([version, share]) => (
            <div
              key={version}
              className={`split-part fill-${colour(version)} grows`}
              style={{ width: `${share}%` }}
            >
              {share >= 8 && `${version} ${sharePercent(share)}`}
            </div>
          ))}
        </div>
      )}
      {running.length === 0 ? (
        <Empty says="No version is deployed. This starts one:" command={`slipway deploy ${model.model} v1`} />
      ) : (
        <div className="scroll">
          <table className="small narrow">
            <thead>
              <tr>
                <th scope="col">Version</th>
                <th scope="col" className="number">
                  Traffic
                </th>
                <th scope="col" className="number">
                  Replicas ready
                </th>
                <th scope="col">Status</th>
                <th scope="col">Since</th>
              </tr>
            </thead>
            <tbody>
              {running.map((deployment) => (
                <tr key={deployment.deployment_id}>
                  <th scope="row">{deployment.version}</th>
                  <td className="number">{sharePercent(deployment.traffic_pct)}</td>
                  <td
                    className={`number ${deployment.ready_replicas < deployment.replicas ? 'bad strong' : ''}`}
                  >
                    {deployment.ready_replicas} of {deployment.replicas}
                  </td>
                  <td>
                    {deployment.status}
                    {deployment.reason !== undefined && <span className="mute"> · {deployment.reason}</span>}
                  </td>
                  <td className="mute">
                    <Ago at={Date.parse(deployment.created_at)} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  )
}
