import {
  type Change,
  type ChangeProposal,
  checkName,
  type Dataset,
  type Model,
  riskTier,
  type Version,
  type VersionSpec,
  versionFiles,
  versionSpec,
} from '../contracts/index.ts'
import { digestOf, newId, SlipwayError } from '../kernel/index.ts'
import type { Actor } from './actor.ts'
import { differencesOf, leastRiskOf } from './differences.ts'
import { asStored } from './evidence.ts'
import type { ChangeParts } from './parts.ts'
import { checksOf } from './policy.ts'

/** A proposal that holds together: everything it names exists, and what it leaves out is inherited. */
export interface Prepared {
  readonly proposal: ChangeProposal
  readonly dataset: Dataset
  readonly model: Model
  readonly champion: Version
  /** Not registered yet. */
  readonly candidate: Version
}

export async function prepare(
  parts: Pick<ChangeParts, 'store' | 'fleet' | 'clock'>,
  proposal: ChangeProposal,
): Promise<Prepared> {
  const { store, fleet, clock } = parts
  const model = await store.models.get(proposal.model)
  refuseImpossible(proposal)
  const dataset = await store.datasets.get(proposal.data.golden)
  if (dataset.model !== proposal.model)
    throw refused(
      '/data/golden',
      `The dataset ${dataset.name} belongs to ${dataset.model}, not to ${proposal.model}.`,
    )
  const from = proposal.from === 'champion' ? await fleet.championOf(proposal.model) : proposal.from
  if (from === undefined) throw new SlipwayError('no_traffic', { model: proposal.model })
  const champion = await store.versions.get(proposal.model, from)
  const spec = inherit(champion.spec, proposal.to)
  for (const [place, { digest }] of versionFiles(spec))
    if (!(await store.artifacts.has(digest)))
      throw new SlipwayError('artifact_missing', { digest }, { pointer: `/to/${place}` })
  const id = digestOf(spec)
  if (id === champion.id)
    throw refused('/to', `${proposal.to.label} would be the same as ${champion.label}: nothing changes.`)
  const differences = differencesOf(champion.spec, spec)
  const least = leastRiskOf(differences)
  if (riskTier.options.indexOf(proposal.risk) < riskTier.options.indexOf(least))
    throw refused(
      '/risk',
      `${differences.map(({ path }) => path).join(', ')} changed, which is ${least} at least, not ${proposal.risk}.`,
    )
  const candidate = { model: proposal.model, label: proposal.to.label, id, spec, createdAt: clock.nowMs() }
  return { proposal, dataset, model, champion, candidate }
}

/** The change as it is stored first. */
export function draftOf(
  prepared: Prepared,
  { policy, clock }: Pick<ChangeParts, 'policy' | 'clock'>,
  author: Pick<Actor, 'name'>,
  id = newId('c', 6),
): Change {
  const at = clock.nowMs()
  const { proposal, champion, candidate } = prepared
  return {
    id,
    proposal: asStored(proposal),
    state: 'proposed',
    reason: null,
    champion: { label: champion.label, id: champion.id },
    candidate: { label: candidate.label, id: candidate.id },
    author: author.name,
    createdAt: at,
    updatedAt: at,
    verdict: null,
    checks: checkName.options
      .filter((check) => checksOf(policy, proposal.risk).includes(check))
      .map((check) => ({
        check,
        status: 'waiting',
        done: 0,
        total: 0,
        unit: '',
        etaMs: null,
        summary: null,
      })),
    rolloutId: null,
  }
}

/** The candidate's spec: the champion's, with what the proposal says in its place. */
export function inherit(champion: VersionSpec, { label: _, ...said }: ChangeProposal['to']): VersionSpec {
  // Files, scripts and settings are made for an engine: another engine starts without them.
  const { artifact, preprocess, echo, provider, modelName, llama, vllm, ...shared } = champion
  const own = { artifact, preprocess, echo, provider, modelName, llama, vllm }
  const isSameEngine = said.engine === undefined || said.engine === champion.engine
  const inherited = isSameEngine ? { ...shared, ...own } : shared
  const batching = { ...inherited.batching, ...asStored(said.batching ?? {}) }
  return asStored(versionSpec.parse(asStored({ ...inherited, ...asStored(said), batching })))
}

function refuseImpossible({ rollout, goal }: ChangeProposal): void {
  const { steps, guards, guardMargins } = rollout
  steps.forEach((share, index) => {
    if (index > 0 && share <= (steps[index - 1] as number))
      throw refused(`/rollout/steps/${index}`, `Step ${share} does not grow over ${steps[index - 1]}.`)
  })
  if (steps.at(-1) !== 100)
    throw refused(
      `/rollout/steps/${steps.length - 1}`,
      `The last step is ${steps.at(-1)} %, so the change would never be live.`,
    )
  for (const guard of Object.keys(guardMargins))
    if (!(guards as string[]).includes(guard))
      throw refused(`/rollout/guardMargins/${guard}`, `${guard} has a margin but is not among the guards.`)
  if (goal === 'security')
    throw refused('/goal', 'No check measures security yet, so this goal could never be reached.')
}

function refused(pointer: string, reason: string): SlipwayError {
  return new SlipwayError('invalid_request', { reason }, { pointer })
}
