import type { Change, Evidence, Measurement } from '../../../../src/contracts/index.ts'
import { CurveChart } from '../../charts/curve-chart.tsx'
import { LadderChart } from '../../charts/ladder-chart.tsx'
import { PairsChart } from '../../charts/pairs-chart.tsx'
import { estimateText, intervalText, marginText, shortHash, verdictWord } from '../../format/measurements.ts'
import { duration, grouped, percent } from '../../format/numbers.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { At } from '../../parts/time.tsx'
import {
  accuracyDetails,
  costDetails,
  latencyDetails,
  planLines,
  rawBlockCount,
  readDetails,
  stabilityDetails,
} from './details.ts'

interface EvidenceViewProps {
  readonly evidence: Evidence
  readonly change: Change
}

/** Everything behind one row: what was found, drawn, planned beforehand, and the hash that holds it together. */
export function EvidenceView({ evidence, change }: EvidenceViewProps) {
  return (
    <div className="evidence">
      <p className="evidence-summary">{evidence.summary}</p>
      {evidence.measurements.length > 0 && <Measurements rows={evidence.measurements} />}
      <Drawings evidence={evidence} change={change} />
      <details>
        <summary>
          The plan, made before the first answer of {evidence.candidate.label} (hash{' '}
          {shortHash(evidence.planHash)})
        </summary>
        <dl className="plan">
          {planLines(evidence.plan).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </details>
      <p className="mute evidence-foot">
        <At at={evidence.startedAt} withSeconds /> in {duration(evidence.finishedAt - evidence.startedAt)} ·{' '}
        {grouped(rawBlockCount(evidence))} raw blocks · evidence{' '}
        <code title={evidence.hash}>{shortHash(evidence.hash)}</code>{' '}
        <CopyButton label="copy hash" text={() => evidence.hash} />{' '}
        <CopyButton label="copy JSON" text={() => JSON.stringify(evidence)} />
      </p>
    </div>
  )
}

function Measurements({ rows }: { rows: readonly Measurement[] }) {
  return (
    <div className="scroll">
      <table className="small">
        <thead>
          <tr>
            <th scope="col">Measure</th>
            <th scope="col">Candidate − champion</th>
            <th scope="col">Margin</th>
            <th scope="col">Verdict</th>
            <th scope="col">From</th>
            <th scope="col">What would settle it</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.measure}>
              <td>{row.measure}</td>
              <td className="nowrap">
                <b>{estimateText(row) ?? '–'}</b> <span className="mute">{intervalText(row)}</span>
              </td>
              <td className="nowrap">{marginText(row)}</td>
              <td>{verdictWord(row)}</td>
              <td className="mute">{row.from}</td>
              <td className="mute">{row.needs ?? 'settled'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Drawings({ evidence, change }: EvidenceViewProps) {
  switch (evidence.check) {
    case 'accuracy':
      return <Accuracy evidence={evidence} change={change} />
    case 'latency':
      return <Latency evidence={evidence} change={change} />
    case 'stability':
      return <Stability evidence={evidence} change={change} />
    case 'cost':
      return <Cost evidence={evidence} change={change} />
    default:
      return null
  }
}

function Accuracy({ evidence, change }: EvidenceViewProps) {
  const details = readDetails(accuracyDetails, evidence)
  if (details?.slices === undefined) return null
  return (
    <>
      {details.champion !== undefined && details.candidate !== undefined && (
        <p>
          {change.candidate.label} is right on <b>{percent(details.candidate.estimate)}</b>,{' '}
          {change.champion.label} on <b>{percent(details.champion.estimate)}</b> of the same items.
        </p>
      )}
      <div className="scroll">
        <table className="small">
          <caption>Does it hold in every part of the data?</caption>
          <thead>
            <tr>
              <th scope="col">Slice</th>
              <th scope="col" className="number">
                Items
              </th>
              <th scope="col" className="number">
                Fixed
              </th>
              <th scope="col" className="number">
                Broken
              </th>
              <th scope="col">Difference</th>
              <th scope="col">p, corrected over slices</th>
            </tr>
          </thead>
          <tbody>
            {details.slices.map((slice) => (
              <tr key={slice.slice}>
                <td>{slice.slice}</td>
                <td className="number">{grouped(slice.n)}</td>
                <td className="number">{grouped(slice.fixed)}</td>
                <td className="number">{grouped(slice.broken)}</td>
                <td className="nowrap">
                  {points(slice.difference)}{' '}
                  <span className="mute">
                    [{points(slice.lower, false)}, {points(slice.upper, false)}]
                  </span>
                </td>
                <td>{slice.adjustedP < 0.0005 ? '< 0.001' : slice.adjustedP.toFixed(3)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

function Latency({ evidence, change }: EvidenceViewProps) {
  const details = readDetails(latencyDetails, evidence)
  const measurement = evidence.measurements.find(({ axis }) => axis === 'latency')
  if (details === undefined) return null
  return (
    <>
      <div className="drawings">
        {details.pairs !== undefined && measurement !== undefined && (
          <PairsChart
            title="Does every pair tell the same story?"
            ratios={details.pairs.map(({ ratio }) => ratio)}
            measurement={measurement}
          />
        )}
        {details.ladder !== undefined && (
          <LadderChart
            rungs={details.ladder}
            champion={change.champion.label}
            candidate={change.candidate.label}
            ratePerSecond={details.ratePerSecond ?? null}
          />
        )}
        {details.curve !== undefined && (
          <CurveChart
            curve={details.curve}
            champion={change.champion.label}
            candidate={change.candidate.label}
          />
        )}
        {details.percentiles !== undefined && (
          <Percentiles percentiles={details.percentiles} change={change} />
        )}
      </div>
      {details.noiseFloor != null && (
        <p className="mute">
          Champion against itself: ± {percent(details.noiseFloor.noise)} is noise here; a change of{' '}
          {percent(details.noiseFloor.detectable)} is found four times in five.
        </p>
      )}
    </>
  )
}

interface PercentilesProps {
  readonly percentiles: NonNullable<ReturnType<typeof latencyDetails.parse>['percentiles']>
  readonly change: Change
}

function Percentiles({ percentiles, change }: PercentilesProps) {
  const cell = (one: PercentilesProps['percentiles']['champion'][number] | undefined) => {
    if (one === undefined) return '–'
    if (one.needs !== undefined) return <span className="mute">needs {grouped(one.needs)} requests</span>
    if (one.ms === null) return <span className="mute">no answer</span>
    return (
      <span className="nowrap">
        {one.ms.toFixed(2)} ms{' '}
        {one.lowerMs != null && one.upperMs != null && (
          <span className="mute">
            [{one.lowerMs.toFixed(2)}, {one.upperMs.toFixed(2)}]
          </span>
        )}
      </span>
    )
  }
  return (
    <div className="scroll">
      <table className="small">
        <caption>Where do the slow answers lie?</caption>
        <thead>
          <tr>
            <th scope="col">Percentile</th>
            <th scope="col">{change.champion.label}</th>
            <th scope="col">{change.candidate.label}</th>
          </tr>
        </thead>
        <tbody>
          {percentiles.champion.map((one, index) => (
            <tr key={one.p}>
              <td>p{Number((one.p * 100).toFixed(1))}</td>
              <td>{cell(one)}</td>
              <td>{cell(percentiles.candidate[index])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Stability({ evidence, change }: EvidenceViewProps) {
  const kinds = readDetails(stabilityDetails, evidence)?.noise?.byKind
  if (kinds === undefined) return null
  return (
    <div className="scroll">
      <table className="small">
        <caption>Which noise changes an answer?</caption>
        <thead>
          <tr>
            <th scope="col">Noise</th>
            <th scope="col" className="number">
              Copies
            </th>
            <th scope="col" className="number">
              Flips of {change.champion.label}
            </th>
            <th scope="col" className="number">
              Flips of {change.candidate.label}
            </th>
          </tr>
        </thead>
        <tbody>
          {kinds.map(({ kind, n, champion, candidate }) => (
            <tr key={kind}>
              <td>{kind}</td>
              <td className="number">{grouped(n)}</td>
              <td className="number">
                {grouped(champion)} <span className="mute">{percent(champion / Math.max(1, n))}</span>
              </td>
              <td className="number">
                {grouped(candidate)} <span className="mute">{percent(candidate / Math.max(1, n))}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Cost({ evidence, change }: EvidenceViewProps) {
  const details = readDetails(costDetails, evidence)
  const measurement = evidence.measurements.find(({ axis }) => axis === 'cost')
  if (details === undefined) return null
  const seconds = details.computeSecondsPer1000
  return (
    <>
      {seconds != null && seconds.champion !== null && seconds.candidate !== null && (
        <p>
          1,000 answers take {change.candidate.label} <b>{seconds.candidate.toFixed(2)}</b> and{' '}
          {change.champion.label} <b>{seconds.champion.toFixed(2)}</b> seconds of compute
          {details.price === undefined ? '' : ` (${details.price})`}.
        </p>
      )}
      {details.pairs !== undefined && measurement !== undefined && (
        <PairsChart title="Does every pair cost the same?" ratios={details.pairs} measurement={measurement} />
      )}
    </>
  )
}

function points(share: number, isSigned = true): string {
  const text = Math.abs(share * 100).toFixed(1)
  const sign = share < 0 ? '−' : isSigned ? '+' : ''
  return `${Number(text) === 0 ? '' : sign}${text}${isSigned ? ' pp' : ''}`
}
