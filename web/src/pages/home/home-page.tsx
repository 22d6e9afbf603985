import { changesQuery, incidentsQuery, modelsQuery } from '../../data/queries.ts'
import { useQuery } from '../../data/use-query.ts'
import { Empty, Failure, Panel, Waiting } from '../../parts/panel.tsx'
import { ChangesList } from '../changes-list.tsx'
import { glance } from './glance.ts'
import { ModelRows } from './model-rows.tsx'
import { OverdueWaivers } from './overdue-waivers.tsx'

const CHANGES_SHOWN = 10

export function HomePage() {
  const models = useQuery(modelsQuery())
  const changes = useQuery(changesQuery()).data
  const incidents = useQuery(incidentsQuery()).data
  const isKnown = models.data !== undefined && changes !== undefined && incidents !== undefined
  return (
    <>
      <title>Slipway</title>
      <div className="crumb">Home</div>
      <h1>{isKnown ? glance(models.data, changes, incidents) : '\u00a0'}</h1>
      {models.error !== undefined && <Failure error={models.error} />}
      <OverdueWaivers changes={changes ?? []} models={models.data ?? []} />
      <Panel title="Which models serve, and how well?" sub="The last minute, live; the curve is the last 15.">
        {models.data === undefined ? (
          <Waiting what="models" />
        ) : models.data.length === 0 ? (
          <Empty
            says="This starts everything here, with a sample model and live traffic:"
            command="slipway up"
          />
        ) : (
          <ModelRows models={models.data} changes={changes ?? []} />
        )}
      </Panel>
      <Panel title="What changes?" sub="Newest first.">
        {changes === undefined ? (
          <Waiting what="changes" />
        ) : changes.length === 0 ? (
          <Empty
            says="One file describes a change, one command runs every check and the rollout:"
            command="slipway change run samples/spam/change.yaml"
          />
        ) : (
          <ChangesList changes={changes.slice(0, CHANGES_SHOWN)} />
        )}
      </Panel>
    </>
  )
}
