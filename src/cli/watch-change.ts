import { setTimeout as sleep } from 'node:timers/promises'
import type { Change, ChangeEvent, Evidence, Rollout, RolloutLook } from '../contracts/index.ts'
import type { Client } from '../sdk/index.ts'
import { checkLine, classTable, lookLine, progressLine } from './change-view.ts'
import { count, type Output, seconds, styled } from './output.ts'

const POLL_MS = 400
const PLAIN_PROGRESS_MS = 10_000

/** States in which nothing more happens without a person. */
const RESTING: ReadonlySet<Change['state']> = new Set([
  'live',
  'watched',
  'done',
  'blocked',
  'inconclusive',
  'waived',
  'rolled-back',
  'withdrawn',
  'sign-off',
])

/**
 * Follows a change until it rests, telling each thing once as it happens. Reads the state anew at every turn, so a
 * control that restarts meanwhile costs a pause, not the watch; gives up after a minute without it.
 */
export async function watchChange(
  client: Client,
  id: string,
  output: Output,
  signal: AbortSignal,
): Promise<Change> {
  const told = createTeller(output)
  let silentSinceMs = performance.now()
  const looks: RolloutLook[] = []
  for (;;) {
    try {
      const change = await client.call('getChange', { params: { change: id } })
      const since = looks.at(-1)?.sequence
      const [evidence, events, { rollout, looks: newLooks }] = await Promise.all([
        client.call('listEvidence', { params: { change: id } }),
        client.call('listChangeEvents', { params: { change: id } }),
        client.call('getRollout', { params: { change: id }, query: since === undefined ? {} : { since } }),
      ])
      looks.push(...newLooks)
      silentSinceMs = performance.now()
      told.tell(change, evidence.items, events.items, rollout, looks)
      // The way back is told whole: how long it took is known once the last straggler has answered.
      const isResting = RESTING.has(change.state) || isWaitingForDeploy(change, events.items)
      if (isResting && rollout?.state !== 'aborting') {
        told.conclude(change, rollout, looks)
        return change
      }
    } catch (error) {
      if (signal.aborted || performance.now() - silentSinceMs > 60_000) throw error
    }
    await sleep(POLL_MS, undefined, { signal })
  }
}

/** With a verdict, and with nobody yet who may move traffic. */
function isWaitingForDeploy({ state }: Change, events: readonly ChangeEvent[]): boolean {
  return state === 'verdict' && events.at(-1)?.type === 'deploy-requested'
}

function createTeller(output: Output) {
  const checks = new Set<string>()
  let eventsTold = 0
  let tableTold = false
  let plainAtMs = performance.now()
  return {
    tell(
      change: Change,
      evidence: readonly Evidence[],
      events: readonly ChangeEvent[],
      rollout: Rollout | null,
      looks: readonly RolloutLook[],
    ) {
      for (const item of evidence) {
        if (checks.has(item.hash)) continue
        checks.add(item.hash)
        output.line(checkLine(item))
        plainAtMs = performance.now()
      }
      if (change.verdict !== null && !tableTold) {
        tableTold = true
        output.line()
        for (const line of classTable(change.verdict.table)) output.line(`    ${line}`)
        output.line()
        output.line(`    ${styled('bold', change.verdict.sentence)}`)
        output.line()
      }
      for (const event of events.slice(eventsTold)) {
        const line = eventLine(event)
        if (line !== undefined) output.line(line)
      }
      eventsTold = events.length
      const line = currentLine(change, rollout, looks)
      if (line === undefined) return
      output.live(line)
      if (!output.isLive && performance.now() - plainAtMs > PLAIN_PROGRESS_MS) {
        output.line(line)
        plainAtMs = performance.now()
      }
    },
    conclude(change: Change, rollout: Rollout | null, looks: readonly RolloutLook[]) {
      if (rollout !== null) output.line(conclusion(rollout, looks))
      // The verdict's sentence was told already.
      const isNew = change.reason !== null && change.reason !== change.verdict?.sentence
      if (isNew) output.line(`    ${styled('bold', change.state)}: ${change.reason}`)
    },
  }
}

function currentLine(
  change: Change,
  rollout: Rollout | null,
  looks: readonly RolloutLook[],
): string | undefined {
  const running = change.checks.find((check) => check.status === 'running')
  const look = looks.at(-1)
  if (change.state === 'canary' && rollout !== null && look !== undefined) return lookLine(look, rollout)
  return running === undefined ? undefined : progressLine(running)
}

/** Only what a person watching wants to hear; the whole log is on the page and in `slipway change status`. */
function eventLine(event: ChangeEvent): string | undefined {
  const data = event.data as Record<string, string | number | undefined>
  switch (event.type) {
    case 'canary-started':
      return `    canary         started: ${data.says ?? `${data.champion ?? 'the champion'} keeps full capacity`}`
    case 'step-promoted':
      return `    canary         at ${data.sharePercent} %`
    case 'canary-paused':
      return `    canary         ${styled('yellow', 'paused')}: ${data.reason ?? ''}`
    case 'traffic-rolled-back':
      return `    canary         ${styled('red', 'rolled back')}: ${data.reason ?? ''}`
    case 'incident-opened':
      return `    incident       ${data.incident ?? ''} opened${data.cases === undefined ? '' : `, ${count(Number(data.cases))} failing requests kept as negative cases`}`
    case 'sign-off-requested':
      return `    sign-off       wanted: slipway change approve ${event.change}`
    default:
      return undefined
  }
}

function conclusion(rollout: Rollout, looks: readonly RolloutLook[]): string {
  const took = rollout.finishedAt === null ? '' : ` in ${seconds(rollout.finishedAt - rollout.startedAt)}`
  if (rollout.state === 'rolled-back' || rollout.state === 'aborting') {
    const last =
      rollout.rollbackMs === null
        ? ''
        : `; last request on ${rollout.candidate} ${Math.round(rollout.rollbackMs)} ms after the decision`
    return `    canary         ${styled('red', '✘')} back on ${rollout.champion}${took}${last}`
  }
  const steps = rollout.plan.steps.map((step) => `${step} %`).join(' ─ ')
  return `    canary         ${styled('green', '✔')} ${steps}   live${seenBy(looks)}${took}`
}

/** What the candidate answered until it had everything; the looks after that have no champion to compare with. */
function seenBy(looks: readonly RolloutLook[]): string {
  const guards = looks.flatMap((look) => look.guards)
  const requests = Math.max(0, ...guards.map((guard) => guard.candidate.requests))
  const failed = Math.max(
    0,
    ...guards.filter(({ name }) => name === 'errors').map((guard) => guard.candidate.events),
  )
  return ` after ${count(requests)} requests, ${count(failed)} failed`
}
