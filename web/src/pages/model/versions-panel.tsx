import type { Deployment, ModelSummary, Version } from '../../../../src/contracts/index.ts'
import { shortHash } from '../../format/measurements.ts'
import { Empty, Panel } from '../../parts/panel.tsx'
import { Ago } from '../../parts/time.tsx'

interface VersionsPanelProps {
  readonly model: ModelSummary
  readonly versions: readonly Version[]
  readonly deployments: readonly Deployment[]
}

/** Versions as a timeline, newest first. A version never changes: its id is the hash of all that shapes its answers. */
export function VersionsPanel({ model, versions, deployments }: VersionsPanelProps) {
  return (
    <Panel
      title="Which versions are there?"
      sub="Newest first. A version never changes; its id is the hash of what shapes its answers."
    >
      {versions.length === 0 && (
        <Empty
          says="A change brings its version along:"
          command="slipway change run samples/spam/change.yaml"
        />
      )}
      <ol className="timeline">
        {versions.map((version) => {
          const status = deployments.find((one) => one.version === version.label)?.status ?? 'registered'
          const isChampion = version.label === model.champion
          return (
            <li
              key={version.id}
              className={isChampion ? 'champion' : status === 'active' ? 'active' : undefined}
            >
              <div>
                <b>{version.label}</b> {isChampion && <span className="chip good">champion</span>}{' '}
                <span className="mute">
                  {status} · <Ago at={version.createdAt} />
                </span>
              </div>
              <div className="mute small-text">
                {version.spec.engine}
                {version.spec.artifact === undefined ? '' : ` · ${version.spec.artifact.name}`}
                {version.spec.preprocess === undefined ? '' : ` after ${version.spec.preprocess.name}`} ·{' '}
                {version.spec.provider === undefined
                  ? `batches of up to ${version.spec.batching.maxBatchSize} rows in ${version.spec.batching.maxQueueDelayMs} ms`
                  : `${version.spec.modelName ?? 'its model'} at ${version.spec.provider}`}{' '}
                · id <code title={version.id}>{shortHash(version.id)}</code>
              </div>
            </li>
          )
        })}
      </ol>
    </Panel>
  )
}
