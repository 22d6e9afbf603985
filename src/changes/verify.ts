import { canonicalJson, digestOf } from '../kernel/index.ts'
import { analyse } from '../lab/index.ts'
import { type Bundle, bundle } from './bundle.ts'
import { verifyChain } from './verify-chain.ts'
import { type Judge, verifyEvidence } from './verify-evidence.ts'
import { verifyRollout } from './verify-rollout.ts'
import { verifyWindows } from './verify-windows.ts'

/**
 * Decides a change again from its bundle alone: every hash, the chain and its states, each check from its raw blocks,
 * the gates, the verdict and its sentence, the signatures, and the rollout with every look of the judge from its windows. Needs no store and no network, and never
 * throws: what cannot be read is a problem too.
 *
 * What this proves is that the bundle is whole and that its conclusions follow from its measurements. That the
 * measurements were taken is proven by whom the bundle came from.
 */
export function verifyBundle(written: unknown, judge: Judge = analyse): Verified {
  const problems: string[] = []
  const open: string[] = []
  const parsed = bundle.safeParse(written)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return { ok: false, problems: [`${issue?.path.join('.') || 'the bundle'}: ${issue?.message}`], open }
  }
  attempt('the bundle', problems, () => {
    const { hash, ...content } = written as Bundle
    if (digestOf(content) !== hash)
      problems.push('the bundle was changed after it was made: its hash is another')
    // What the forms above drop would not be looked at below; a sound bundle has none of it.
    if (canonicalJson(parsed.data) !== canonicalJson(written))
      problems.push('the bundle holds fields that no form has')
  })
  attempt('versions', problems, () => problems.push(...versionProblems(parsed.data)))
  attempt('the chain', problems, () => problems.push(...verifyChain(parsed.data)))
  attempt('evidence', problems, () => problems.push(...verifyEvidence(parsed.data, judge)))
  attempt('the rollout', problems, () => problems.push(...verifyRollout(parsed.data)))
  attempt('the windows', problems, () => {
    const found = verifyWindows(parsed.data)
    problems.push(...found.problems)
    open.push(...found.open)
  })
  return { ok: problems.length === 0, problems, open }
}

export interface Verified {
  readonly ok: boolean
  readonly problems: readonly string[]
  /** What could not be recomputed, and why: neither wrong nor proven. */
  readonly open: readonly string[]
}

function versionProblems({ change, versions, model, dataset }: Bundle): string[] {
  const problems: string[] = []
  for (const role of ['champion', 'candidate'] as const) {
    const version = versions[role]
    if (digestOf(version.spec) !== version.id)
      problems.push(`the ${role}'s spec is not the one its id is the hash of`)
    if (
      version.id !== change[role].id ||
      version.label !== change[role].label ||
      version.model !== change.proposal.model
    )
      problems.push(`the ${role} is not the version that the change names`)
  }
  if (model.model !== change.proposal.model) problems.push('the model is not the one that the change names')
  if (dataset.name !== change.proposal.data.golden)
    problems.push('the dataset is not the one that the change names')
  return problems
}

function attempt(what: string, problems: string[], verify: () => void): void {
  try {
    verify()
  } catch (error) {
    problems.push(`${what} cannot be verified: ${(error as Error).message}`)
  }
}
