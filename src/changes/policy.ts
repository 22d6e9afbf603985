import { parse } from 'yaml'
import { z } from 'zod'
import { axis, type CheckName, checkName, type Digest, riskTier } from '../contracts/index.ts'
import { digestOf, SlipwayError } from '../kernel/index.ts'

const tier = z.strictObject({
  /** Without any of these there is no verdict. */
  checks: z.array(checkName).min(1),
  /** People who sign, each of them another one. */
  signOffs: z.number().int().min(0).max(10),
})

const policyForm = z.strictObject({
  version: z.literal(1),
  name: z.string().min(1).max(100),
  /** Axes that gate. The goal of a change gates too, whatever stands here. */
  requiredAxes: z.array(axis).min(1),
  signOff: z.strictObject({
    notTheAuthor: z.boolean(),
    expiresAfterDays: z.number().positive().max(365),
  }),
  tiers: z.record(riskTier, tier),
})

/** What a change of a risk tier must show, as data: versioned, hashed, and stored with every change judged by it. */
export type Policy = z.infer<typeof policyForm>

/** Which axis a check speaks for; compatibility speaks for none and gates by itself. */
export const AXIS_OF_CHECK = {
  compatibility: null,
  accuracy: 'accuracy',
  stability: 'stability',
  latency: 'latency',
  cost: 'cost',
} as const satisfies Record<CheckName, string | null>

const all = [...checkName.options]
export const defaultPolicy: Policy = {
  version: 1,
  name: 'default',
  requiredAxes: ['cost', 'latency', 'accuracy', 'stability'],
  signOff: { notTheAuthor: true, expiresAfterDays: 14 },
  tiers: {
    parameter: { checks: all, signOffs: 0 },
    prompt: { checks: all, signOffs: 0 },
    'same-family': { checks: all, signOffs: 0 },
    'new-provider': { checks: all, signOffs: 2 },
    'new-architecture': { checks: all, signOffs: 2 },
  },
}

/** Throws `policy_invalid` with the place and the reason. */
export function parsePolicy(text: string): Policy {
  let written: unknown
  try {
    written = parse(text, { maxAliasCount: 50 })
  } catch (error) {
    throw new SlipwayError(
      'policy_invalid',
      { reason: `it is not YAML: ${(error as Error).message}` },
      { cause: error },
    )
  }
  return checkPolicy(written)
}

export function checkPolicy(written: unknown): Policy {
  const parsed = policyForm.safeParse(written)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const place = issue?.path.join('.') || 'the whole'
    throw new SlipwayError('policy_invalid', { reason: `${place}: ${issue?.message ?? 'unreadable'}` })
  }
  const policy = parsed.data
  for (const [name, { checks }] of Object.entries(policy.tiers)) {
    const spokenFor = checks.map((check) => AXIS_OF_CHECK[check] as string | null)
    const silent = policy.requiredAxes.find((wanted) => !spokenFor.includes(wanted))
    if (silent !== undefined)
      throw new SlipwayError('policy_invalid', {
        reason: `tiers.${name}: the axis ${silent} is required, but no check of this tier measures it`,
      })
    if (!checks.includes('compatibility'))
      throw new SlipwayError('policy_invalid', { reason: `tiers.${name}: compatibility cannot be left out` })
  }
  return policy
}

export function hashOfPolicy(policy: Policy): Digest {
  return digestOf(policy)
}

/** The checks of a tier in the order in which they run. */
export function checksOf(policy: Policy, risk: keyof Policy['tiers']): CheckName[] {
  const wanted = policy.tiers[risk].checks
  return checkName.options.filter((check) => wanted.includes(check))
}
