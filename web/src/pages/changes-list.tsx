import { Link } from 'wouter'
import type { Change } from '../../../src/contracts/index.ts'
import { modelsQuery } from '../data/queries.ts'
import { useQuery } from '../data/use-query.ts'
import { Ago } from '../parts/time.tsx'
import { headlineOf, stateWords } from './change/states.ts'

/** One line a change: what, its verdict, where it stands, since when. */
export function ChangesList({ changes }: { changes: readonly Change[] }) {
  const models = useQuery(modelsQuery()).data ?? []
  return (
    <ul className="changes">
      {changes.map((change) => {
        const shares = models.find(({ model }) => model === change.proposal.model)?.traffic?.shares
        const { words, tone } = stateWords(change, { sharePercent: shares?.[change.candidate.label] })
        return (
          <li key={change.id}>
            <div className="change-what">
              <Link href={`/changes/${change.id}`} className="strong">
                {change.id}
              </Link>
              <span className="mute">
                {change.proposal.model} {change.champion.label} → {change.candidate.label}
              </span>
            </div>
            <div className="change-says">{headlineOf(change)}</div>
            <div className="change-state">
              <span className={`chip ${tone}`}>{words}</span>
              <span className="mute">
                <Ago at={change.updatedAt} />
              </span>
            </div>
          </li>
        )
      })}
    </ul>
  )
}
