import { changesQuery } from '../data/queries.ts'
import { useQuery } from '../data/use-query.ts'
import { counted } from '../format/numbers.ts'
import { Empty, Failure, Panel, Waiting } from '../parts/panel.tsx'
import { isOpen } from './change/states.ts'
import { ChangesList } from './changes-list.tsx'

export function ChangesPage() {
  const { data: changes, error } = useQuery(changesQuery())
  const open = changes?.filter(isOpen).length ?? 0
  return (
    <>
      <title>Changes · Slipway</title>
      <div className="crumb">Changes</div>
      <h1>
        {open === 0 ? 'No change is on its way.' : `${counted(open, 'change is', 'changes are')} on the way.`}
      </h1>
      {error !== undefined && <Failure error={error} />}
      <Panel
        title="All changes"
        sub="Newest first. A change is one step from what runs to what should run, with its evidence."
      >
        {changes === undefined ? (
          <Waiting what="changes" />
        ) : changes.length === 0 ? (
          <Empty
            says="A change is one file. This proposes the sample’s, measures it and rolls it out when the evidence is good:"
            command="slipway change run samples/spam/change.yaml"
          />
        ) : (
          <ChangesList changes={changes} />
        )}
      </Panel>
    </>
  )
}
