import { useState } from 'react'
import type { ChangeEvent } from '../../../../src/contracts/index.ts'
import { Panel } from '../../parts/panel.tsx'
import { At } from '../../parts/time.tsx'
import { eventWords, isMinor } from './event-words.ts'

const SHOWN_AT_FIRST = 12

/** The chain, newest first. */
export function LogPanel({ events }: { events: readonly ChangeEvent[] }) {
  const [isWhole, setWhole] = useState(false)
  const newestFirst = events.toReversed()
  const shown = isWhole
    ? newestFirst
    : newestFirst.filter((event) => !isMinor(event)).slice(0, SHOWN_AT_FIRST)
  return (
    <Panel title="Who did what" sub="Hash-chained. Nothing here can be edited.">
      <ol className="log">
        {shown.map((event) => (
          <li key={event.sequence} title={`link ${event.sequence}: ${event.hash}`}>
            <span className="mute">
              <At at={event.at} />
            </span>
            <span>{eventWords(event)}</span>
          </li>
        ))}
      </ol>
      {shown.length < newestFirst.length && (
        <button type="button" className="button" onClick={() => setWhole(true)}>
          Show all {newestFirst.length} links
        </button>
      )}
    </Panel>
  )
}
