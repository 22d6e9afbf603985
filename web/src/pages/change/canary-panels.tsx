import { useState } from 'react'
import type { Change, GuardName, GuardSpec, Rollout, RolloutLook } from '../../../../src/contracts/index.ts'
import { CanaryChart, looksCsv } from '../../charts/canary-chart.tsx'
import { stepStates } from '../../charts/looks.ts'
import { StepsDrawing, stepsCsv } from '../../charts/steps-drawing.tsx'
import { duration, grouped, milliseconds, sharePercent } from '../../format/numbers.ts'
import { ChartMenu } from '../../parts/chart-menu.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Segments } from '../../parts/segments.tsx'
import { Actions } from './actions.tsx'
import { Forecast } from './forecast.tsx'
import { guardNames, guardState, neededRequests, neededWords, plainReason } from './guard-words.ts'

interface CanaryPanelsProps {
  readonly change: Change
  readonly rollout: Rollout
  readonly looks: readonly RolloutLook[]
}

/** The rollout: what the judge sees on the left, how far it is and what it waits for on the right. */
export function CanaryPanels({ change, rollout, looks }: CanaryPanelsProps) {
  const [chosen, setChosen] = useState<GuardName>()
  const guard = rollout.guards.find(({ name }) => name === chosen) ?? mostTelling(rollout, looks)
  if (guard === undefined) return null
  const isOver = rollout.finishedAt !== null
  const title = questionOf(guard, rollout, isOver)
  return (
    <div className="two">
      <Panel
        title={title}
        sub={subOf(guard, rollout)}
        aside={<ChartMenu of={title} csv={() => looksCsv(looks, guard.name)} />}
      >
        <Segments
          legend="Guard"
          value={guard.name}
          onChange={setChosen}
          options={rollout.guards.map(({ name }) => ({
            value: name,
            label: `${guardNames[name]} · ${guardState(looks.at(-1)?.guards.find((seen) => seen.name === name))}`,
          }))}
        />
        <CanaryChart rollout={rollout} looks={looks} guard={guard.name} title={title} />
      </Panel>
      <StepsPanel change={change} rollout={rollout} looks={looks} />
    </div>
  )
}

/** The guard that decided against it, else one that is still open, else the first. */
function mostTelling(rollout: Rollout, looks: readonly RolloutLook[]): GuardSpec | undefined {
  const seen = looks.at(-1)?.guards ?? []
  const name =
    seen.find(({ decision }) => decision === 'abort')?.name ??
    seen.find(({ decision }) => decision === 'continue')?.name
  return rollout.guards.find((guard) => guard.name === name) ?? rollout.guards[0]
}

function questionOf({ name }: GuardSpec, { candidate }: Rollout, isOver: boolean): string {
  const isSlow = name === 'latencyP95' || name === 'latencyP99'
  const doing = isSlow ? 'slowing people down' : 'failing'
  if (isOver) return `Did ${candidate} ${isSlow ? 'slow people down' : 'fail more often'}?`
  return `Is ${candidate} ${doing} right now?`
}

function subOf(guard: GuardSpec, { champion, plan }: Rollout): string {
  const what: Record<GuardName, string> = {
    errors: 'Requests that failed',
    timeouts: 'Requests without an answer in time',
    refusals: 'Requests that were refused',
    latencyP95: `Requests slower than ${thresholdOf(guard)}, ${champion}’s own p95 at the start`,
    latencyP99: `Requests slower than ${thresholdOf(guard)}, ${champion}’s own p99 at the start`,
  }
  const confidence = (1 - plan.alphaPromote) * 100
  return `${what[guard.name]}, per look. Band: the difference, ${Number(confidence.toFixed(1))} %, valid at any time.`
}

function thresholdOf({ thresholdMs }: GuardSpec): string {
  return thresholdMs === null ? 'the limit' : milliseconds(thresholdMs)
}

const PROGRESS_TITLE = 'How far is it, and what is still needed?'

function StepsPanel({ change, rollout, looks }: CanaryPanelsProps) {
  const look = looks.at(-1)
  const steps = stepStates(rollout, looks)
  return (
    <Panel
      title={PROGRESS_TITLE}
      sub={progressOf(rollout)}
      aside={<ChartMenu of={PROGRESS_TITLE} csv={() => stepsCsv(steps)} />}
    >
      <StepsDrawing steps={steps} />
      <Needs rollout={rollout} look={look} />
      <Actions change={change} rollout={rollout} />
      <Forecast forecast={rollout.forecast} />
    </Panel>
  )
}

function progressOf({ state, step, plan, champion, candidate }: Rollout): string {
  if (state === 'promoting') return `All steps done. ${candidate} answers everything.`
  if (state === 'done') return `All steps done. ${candidate} answers everything.`
  if (state === 'rolled-back')
    return `Stopped at step ${step + 1} of ${plan.steps.length}. ${champion} answers everything again.`
  return `Step ${step + 1} of ${plan.steps.length}. Each step is promoted by evidence, not by the clock.`
}

function Needs({ rollout, look }: { rollout: Rollout; look: RolloutLook | undefined }) {
  if (rollout.state === 'done')
    return (
      <p className="needs">
        <b>Live</b> after {duration((rollout.finishedAt ?? rollout.stepStartedAt) - rollout.startedAt)} and{' '}
        {grouped(look?.guards[0]?.candidate.requests ?? 0)} requests on {rollout.candidate}.
      </p>
    )
  if (rollout.state === 'rolled-back' || rollout.state === 'aborting')
    return (
      <p className="needs">
        <b className="bad">{plainReason(rollout.reason ?? look?.reason ?? 'rolled back')}</b>
        {rollout.rollbackMs !== null && (
          <span className="mute block">
            {`The last request on ${rollout.candidate} came ${duration(rollout.rollbackMs)} after the decision.`}
          </span>
        )}
      </p>
    )
  if (rollout.state === 'promoting')
    return (
      <p className="needs">
        <b>{rollout.candidate} answers everything.</b>
        <span className="mute block">
          {`${rollout.champion} is kept at full capacity for ${duration(rollout.plan.scaleDownDelayMs)}, so that going back is one write.`}
        </span>
      </p>
    )
  if (look === undefined)
    return <p className="needs mute">The first look comes after ten seconds of traffic.</p>
  const next = rollout.plan.steps[rollout.step + 1]
  return (
    <p className="needs">
      <b>{neededRequests(look, rollout.candidate)}</b>
      {next === undefined ? ' to finish' : ` to promote to ${sharePercent(next)}`}
      <span className="mute block">
        {[
          ...(rollout.state === 'paused'
            ? [`paused${rollout.reason === null ? '' : `: ${rollout.reason}`}`]
            : []),
          ...(look.needsMs === null ? [] : [`about ${duration(look.needsMs)} at today’s traffic`]),
          neededWords(look.guards),
        ].join(' · ')}
      </span>
    </p>
  )
}
