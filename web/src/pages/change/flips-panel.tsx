import { useState } from 'react'
import type { Change } from '../../../../src/contracts/index.ts'
import { csvOf } from '../../charts/scale.ts'
import { grouped } from '../../format/numbers.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Segments } from '../../parts/segments.tsx'
import type { AccuracyDetails, Flip } from './details.ts'
import { inTurn } from './flips.ts'

const SHOWN_AT_ONCE = 8

interface FlipsPanelProps {
  readonly change: Change
  readonly accuracy: AccuracyDetails | undefined
  readonly flips: readonly Flip[]
}

/** The items on which exactly one version is right, with their text. */
export function FlipsPanel({ change, accuracy, flips }: FlipsPanelProps) {
  const [kind, setKind] = useState<'all' | 'fixed' | 'broken'>('all')
  const [slice, setSlice] = useState('')
  const [shown, setShown] = useState(SHOWN_AT_ONCE)
  const slices = slicesOf(flips)
  const chosen = inTurn(flips).filter(
    (flip) => (kind === 'all' || flip.kind === kind) && (slice === '' || sliceNames(flip).includes(slice)),
  )
  const count = (of: 'fixed' | 'broken') => accuracy?.[of] ?? flips.filter((flip) => flip.kind === of).length
  return (
    <Panel
      title="Answers that changed"
      sub={`Items on which exactly one version is right${flips.length < count('fixed') + count('broken') ? `; the text of ${grouped(flips.length)} is kept` : ''}.`}
      aside={<CopyButton label="copy CSV" text={() => flipsCsv(chosen)} />}
    >
      <div className="flip-filters">
        <Segments
          legend="Which"
          value={kind}
          onChange={setKind}
          options={[
            { value: 'all', label: 'all' },
            { value: 'fixed', label: `${grouped(count('fixed'))} fixed` },
            { value: 'broken', label: `${grouped(count('broken'))} broken` },
          ]}
        />
        {slices.length > 1 && (
          <label className="mute">
            slice:{' '}
            <select className="select" value={slice} onChange={(event) => setSlice(event.target.value)}>
              <option value="">all</option>
              {slices.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
      </div>
      {chosen.length === 0 && <p className="mute">None of these.</p>}
      <ul className="flips">
        {chosen.slice(0, shown).map((flip) => (
          <FlipRow key={flip.id} flip={flip} change={change} />
        ))}
      </ul>
      {chosen.length > shown && (
        <button type="button" className="button" onClick={() => setShown(shown + 40)}>
          Show {grouped(Math.min(40, chosen.length - shown))} more of {grouped(chosen.length - shown)}
        </button>
      )}
    </Panel>
  )
}

function FlipRow({ flip, change }: { flip: Flip; change: Change }) {
  const [isWhole, setWhole] = useState(false)
  return (
    <li className="flip">
      <button
        type="button"
        className={isWhole ? 'flip-text whole' : 'flip-text'}
        aria-expanded={isWhole}
        onClick={() => setWhole(!isWhole)}
      >
        “{flip.text.replace(/\s+/g, ' ').trim()}”
      </button>
      <Answer version={change.champion.label} answer={flip.champion} label={flip.label} />
      <Answer version={change.candidate.label} answer={flip.candidate} label={flip.label} />
    </li>
  )
}

function Answer({ version, answer, label }: { version: string; answer: string | null; label: string }) {
  const isRight = answer === label
  return (
    <span className={`tag ${isRight ? 'good' : 'poor'}`} title={`${label} is right`}>
      {version} {answer ?? 'no answer'} <span aria-hidden="true">{isRight ? '✓' : '✗'}</span>
      <span className="unseen">{isRight ? ', right' : ', wrong'}</span>
    </span>
  )
}

function sliceNames(flip: Flip): string[] {
  return [
    `label=${flip.label}`,
    ...Object.entries(flip.slice ?? {}).map(([name, value]) => `${name}=${value}`),
  ]
}

function slicesOf(flips: readonly Flip[]): string[] {
  return [...new Set(flips.flatMap(sliceNames))].sort()
}

function flipsCsv(flips: readonly Flip[]): string {
  return csvOf(
    ['id', 'kind', 'label', 'champion', 'candidate', 'text'],
    flips.map(({ id, kind, label, champion, candidate, text }) => [
      id,
      kind,
      label,
      champion,
      candidate,
      text,
    ]),
  )
}
