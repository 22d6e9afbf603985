import { useState } from 'react'
import { Link } from 'wouter'
import type { Change, Evidence, Measurement, Rollout, RolloutLook } from '../../../../src/contracts/index.ts'
import { changeEventsQuery, changeQuery, evidenceQuery, rolloutQuery } from '../../data/queries.ts'
import { useQuery } from '../../data/use-query.ts'
import { axisTitle, shortHash } from '../../format/measurements.ts'
import { Command, CopyButton } from '../../parts/copy-button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Failure, Panel, Waiting } from '../../parts/panel.tsx'
import { Ago } from '../../parts/time.tsx'
import { Actions } from './actions.tsx'
import { CanaryPanels } from './canary-panels.tsx'
import { ClassTable } from './class-table.tsx'
import { accuracyDetails, readDetails } from './details.ts'
import { FlipsPanel } from './flips-panel.tsx'
import { plainReason } from './guard-words.ts'
import { LogPanel } from './log-panel.tsx'
import { ProgressPanel } from './progress-panel.tsx'
import { headlineOf, openAxes, stateWords } from './states.ts'

/** A change: the verdict in one sentence, and everything it rests on. */
export function ChangePage({ id }: { id: string }) {
  const { data: change, error } = useQuery(changeQuery(id))
  const evidence = useQuery(evidenceQuery(id)).data ?? []
  const events = useQuery(changeEventsQuery(id)).data ?? []
  const { rollout, looks } = useQuery(rolloutQuery(id)).data ?? { rollout: null, looks: [] }
  if (change === undefined) return error === undefined ? <Waiting what={id} /> : <Failure error={error} />
  const isChecking = change.state === 'checking'
  const accuracy = readDetails(
    accuracyDetails,
    evidence.find(({ check }) => check === 'accuracy'),
  )
  const flips = accuracy?.flips ?? []
  return (
    <>
      <title>{`${change.id} · ${change.proposal.model} ${change.champion.label} → ${change.candidate.label} · Slipway`}</title>
      <Head change={change} rollout={rollout} look={looks.at(-1)} />
      {error !== undefined && <Failure error={error} />}
      {isChecking && <ProgressPanel change={change} />}
      {rollout === null && !isChecking && <Next change={change} evidence={evidence} />}
      <ClassTable change={change} evidence={evidence} />
      {rollout !== null && <CanaryPanels change={change} rollout={rollout} looks={looks} />}
      {flips.length === 0 ? (
        <LogPanel events={events} />
      ) : (
        <div className="two">
          <FlipsPanel change={change} accuracy={accuracy} flips={flips} />
          <LogPanel events={events} />
        </div>
      )}
    </>
  )
}

interface HeadProps {
  readonly change: Change
  readonly rollout: Rollout | null
  readonly look: RolloutLook | undefined
}

function Head({ change, rollout, look }: HeadProps) {
  const [isVerifyOpen, setVerifyOpen] = useState(false)
  const { words, tone } = stateWords(change, { rollout, look })
  const { proposal, champion, candidate } = change
  return (
    <>
      <div className="crumb">
        <Link href="/changes">Changes</Link> / {change.id} ·{' '}
        <Link href={`/models/${proposal.model}`}>{proposal.model}</Link> · {champion.label} →{' '}
        {candidate.label} · opened <Ago at={change.createdAt} /> by {change.author}
      </div>
      <h1>{headlineOf(change)}</h1>
      <p className="hypothesis">“{proposal.hypothesis}”</p>
      <div className="chips">
        <span className={`chip ${tone}`} role="status">
          {words}
        </span>
        <span className="chip">goal: {proposal.goal}</span>
        <span className="chip">risk: {proposal.risk.replaceAll('-', ' ')}</span>
        {change.verdict !== null && (
          <span className="chip" title={change.verdict.evidenceHash}>
            evidence {shortHash(change.verdict.evidenceHash)}
          </span>
        )}
        <a className="chip" href={`/api/v1/changes/${change.id}/report`} target="_blank" rel="noreferrer">
          report ↗
        </a>
        <button type="button" className="chip" onClick={() => setVerifyOpen(true)}>
          verify offline…
        </button>
      </div>
      {isVerifyOpen && <Verify change={change} onClose={() => setVerifyOpen(false)} />}
    </>
  )
}

function Verify({ change, onClose }: { change: Change; onClose: () => void }) {
  return (
    <Dialog title="Verify offline" onClose={onClose}>
      <p>
        The bundle holds every raw block, the policy and the log. This recomputes the verdict from them,
        without the server:
      </p>
      <Command>{`slipway change report ${change.id} --bundle bundle.json && slipway verify bundle.json`}</Command>
      {change.verdict !== null && (
        <p className="mute">
          It must come to <code className="block signed">{change.verdict.evidenceHash}</code>
          <CopyButton label="copy hash" text={() => change.verdict?.evidenceHash ?? ''} />
        </p>
      )}
      <form method="dialog" className="actions">
        <a
          className="button"
          href={`/api/v1/changes/${change.id}/bundle`}
          download={`${change.id}-bundle.json`}
        >
          Download the bundle
        </a>
        <button type="submit" className="button">
          Close
        </button>
      </form>
    </Dialog>
  )
}

/** Before there is a rollout: what happens next, and what a person can do about it. */
function Next({ change, evidence }: { change: Change; evidence: readonly Evidence[] }) {
  const says = NEXT[change.state]
  if (says === undefined) return null
  const open = change.state === 'inconclusive' ? openAxes(change.verdict?.table ?? []) : []
  return (
    <Panel title={says.title}>
      {open.length === 0 ? (
        <p className="mute">{change.reason === null ? says.text : plainReason(change.reason)}</p>
      ) : (
        <ul className="missing">
          {open.map((row) => (
            <li key={row.axis}>
              <b>{axisTitle(row.axis)}</b> {invalidWords(evidence, row)}
              {row.needs}
            </li>
          ))}
        </ul>
      )}
      {change.state === 'sign-off' && change.verdict !== null && (
        <p>
          Signed is exactly this evidence: <code className="block signed">{change.verdict.evidenceHash}</code>
        </p>
      )}
      <Actions change={change} rollout={null} />
    </Panel>
  )
}

/** A run that says nothing of the versions tells why. */
function invalidWords(evidence: readonly Evidence[], { axis }: Measurement): string {
  const own = evidence.find(
    (one) => one.status === 'invalid' && one.measurements.some((row) => row.axis === axis),
  )
  return own === undefined ? '' : `${own.summary} `
}

const NEXT: Partial<Record<Change['state'], { title: string; text: string }>> = {
  proposed: {
    title: 'Nothing runs yet',
    text: 'The checks measure both versions side by side; traffic does not move before a verdict.',
  },
  staging: {
    title: 'Staging',
    text: 'The candidate is started and asked real questions, without live traffic.',
  },
  'sign-off': { title: 'A person has to sign', text: 'The policy asks for a sign-off at this risk.' },
  blocked: { title: 'Blocked by a gate', text: 'No traffic has moved.' },
  inconclusive: { title: 'What is missing', text: 'The evidence settles nothing yet.' },
}
