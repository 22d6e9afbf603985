import { defaultPolicy } from '../../src/changes/index.ts'
import {
  type Change,
  type ChangeEventType,
  type ChangeState,
  changeProposal,
  type RolloutPlan,
} from '../../src/contracts/index.ts'
import { digestOf } from '../../src/kernel/index.ts'
import type { Store } from '../../src/store/index.ts'

/**
 * A change whose checks are over and whose canary is the next thing to do: the control process that opens this store
 * finds it and goes on with it, as it would with any change that it was stopped in the middle of. What the checks
 * measured is left out, since the canary does not read it.
 */
export async function stageChange(
  store: Store,
  wanted: { id: string; model: string; champion: string; candidate: string; plan: Partial<RolloutPlan> },
): Promise<void> {
  const at = Date.now()
  const author = 'ada'
  const arm = async (label: string) => ({ label, id: (await store.versions.get(wanted.model, label)).id })
  const proposal = changeProposal.parse({
    model: wanted.model,
    to: { label: wanted.candidate },
    hypothesis: `${wanted.candidate} does as well.`,
    goal: 'cost',
    data: { golden: 'golden' },
    rollout: wanted.plan,
  })
  const { champion, candidate } = {
    champion: await arm(wanted.champion),
    candidate: await arm(wanted.candidate),
  }
  const model = await store.models.get(wanted.model)
  const dataset = { name: 'golden', model: wanted.model, digest: digestOf('golden'), items: 1, createdAt: at }
  const change: Change = {
    id: wanted.id,
    proposal,
    state: 'proposed',
    reason: null,
    champion,
    candidate,
    author,
    createdAt: at,
    updatedAt: at,
    verdict: null,
    checks: [],
    rolloutId: null,
  }
  const data = { proposal, champion, candidate, model, dataset }
  await store.changes.create(change, { at, actor: author, type: 'change-proposed', data })
  const verdict = {
    recommendation: 'adopt' as const,
    sentence: 'Adopt.',
    table: [],
    evidenceHash: digestOf([]),
  }
  const run = {
    attempt: 1,
    policy: defaultPolicy,
    plans: [],
    kept: [],
    doubts: [],
    candidateRan: false,
    mayDeploy: true,
  }
  const probe = { sent: 1, failures: [] }
  const story: [ChangeEventType, ChangeState, Record<string, unknown>, Partial<Change>?][] = [
    ['checking-started', 'checking', run],
    ['verdict-reached', 'verdict', { verdict }, { verdict }],
    ['gate-decided', 'verdict', { gate: 'verdict', result: 'pass', reasons: [verdict.sentence] }],
    ['staging-started', 'staging', {}],
    ['staging-finished', 'staging', { probe, differences: [] }],
  ]
  for (const [sequence, [type, state, facts, patch]] of story.entries())
    await store.changes.append(
      wanted.id,
      sequence,
      { at, actor: 'slipway', type, data: facts },
      { state, ...patch },
    )
}
