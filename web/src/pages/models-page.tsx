import { changesQuery, modelsQuery } from '../data/queries.ts'
import { useQuery } from '../data/use-query.ts'
import { counted } from '../format/numbers.ts'
import { Empty, Failure, Panel, Waiting } from '../parts/panel.tsx'
import { ModelRows } from './home/model-rows.tsx'

export function ModelsPage() {
  const { data: models, error } = useQuery(modelsQuery())
  const changes = useQuery(changesQuery()).data ?? []
  return (
    <>
      <title>Models · Slipway</title>
      <div className="crumb">Models</div>
      <h1>
        {models === undefined ? '\u00a0' : `${counted(models.length, 'model')} with a name and a contract.`}
      </h1>
      {error !== undefined && <Failure error={error} />}
      <Panel title="Which models serve, and how well?" sub="The last minute, live; the curve is the last 15.">
        {models === undefined ? (
          <Waiting what="models" />
        ) : models.length === 0 ? (
          <Empty
            says="This starts everything here, with a sample model and live traffic:"
            command="slipway up"
          />
        ) : (
          <ModelRows models={models} changes={changes} />
        )}
      </Panel>
    </>
  )
}
