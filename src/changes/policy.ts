import { type Document, isNode, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { axis, type CheckName, checkName, type Digest, type RiskTier } from '../contracts/index.ts'
import { digestOf, SlipwayError } from '../kernel/index.ts'

const tier = z.strictObject({
  /** Without any of these there is no verdict. */
  checks: z.array(checkName).min(1),
  /** People who sign, each of them another one. */
  signOffs: z.number().int().min(0).max(10),
})

export const policyForm = z.strictObject({
  version: z.literal(1),
  name: z.string().min(1).max(100),
  /** Axes that gate. The goal of a change gates too, whatever stands here. */
  requiredAxes: z.array(axis).min(1),
  signOff: z.strictObject({
    notTheAuthor: z.boolean(),
    expiresAfterDays: z.number().positive().max(365),
  }),
  tiers: z.strictObject({
    parameter: tier,
    prompt: tier,
    'same-family': tier,
    'new-provider': tier,
    'new-architecture': tier,
  } satisfies Record<RiskTier, typeof tier>),
  holdout: z
    .strictObject({
      /** Say so when more candidates of a model than this were judged with the same held-out data. */
      warnAbove: z.number().int().min(1).max(1_000_000),
    })
    .optional(),
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
  holdout: { warnAbove: 20 },
}

/** Throws `policy_invalid` with the line, the place and the reason. @param file how people find the text */
export function parsePolicy(text: string, file = 'policy.yaml'): Policy {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [broken] = document.errors
  if (broken !== undefined)
    throw invalid(`it is not YAML: ${broken.message}`, file, lines.linePos(broken.pos[0]).line)
  let written: unknown
  try {
    written = document.toJS({ maxAliasCount: 50 })
  } catch (error) {
    throw invalid(`it is not YAML: ${(error as Error).message}`, file)
  }
  const fault = faultOf(written)
  if (fault !== undefined) throw invalid(fault.reason, file, lineOf(document, lines, fault.path))
  return written as Policy
}

/** A policy as it was stored; throws `policy_invalid` where it is none. */
export function checkPolicy(written: unknown): Policy {
  const fault = faultOf(written)
  if (fault !== undefined) throw invalid(fault.reason, 'of the change')
  return written as Policy
}

interface Fault {
  readonly path: readonly (string | number)[]
  readonly reason: string
}

/** The form has no defaults, so what passes is a policy as it is written. */
function faultOf(written: unknown): Fault | undefined {
  const parsed = policyForm.safeParse(written)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const path = (issue?.path ?? []) as (string | number)[]
    const named = issue?.code === 'unrecognized_keys' ? [...path, issue.keys[0] as string] : path
    return { path: named, reason: `${path.join('.') || 'the whole'}: ${issue?.message ?? 'unreadable'}` }
  }
  const policy = parsed.data
  for (const [name, { checks }] of Object.entries(policy.tiers)) {
    const path = ['tiers', name, 'checks']
    const spokenFor = checks.map((check) => AXIS_OF_CHECK[check] as string | null)
    const silent = policy.requiredAxes.find((wanted) => !spokenFor.includes(wanted))
    if (silent !== undefined)
      return {
        path,
        reason: `tiers.${name}: the axis ${silent} is required, but no check of this tier measures it`,
      }
    if (!checks.includes('compatibility'))
      return { path, reason: `tiers.${name}: compatibility cannot be left out` }
  }
  return undefined
}

/** Where the deepest part of the path stands that is there at all. */
function lineOf(document: Document.Parsed, lines: LineCounter, path: readonly (string | number)[]): number {
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true)
    if (isNode(node) && node.range != null) return lines.linePos(node.range[0]).line
  }
  return 1
}

function invalid(reason: string, file: string, line?: number): SlipwayError {
  const place = line === undefined ? {} : { pointer: `${file}:${line}` }
  return new SlipwayError(
    'policy_invalid',
    { file: line === undefined ? file : `${file}:${line}`, reason },
    place,
  )
}

export function hashOfPolicy(policy: Policy): Digest {
  return digestOf(policy)
}

const DEFAULT_WARN_ABOVE = 20

/** So many candidates of a model may be judged with the same held-out data before it is told. */
export function holdoutLimitOf({ holdout }: Policy): number {
  return holdout?.warnAbove ?? DEFAULT_WARN_ABOVE
}

/** The checks of a tier in the order in which they run. */
export function checksOf(policy: Policy, risk: keyof Policy['tiers']): CheckName[] {
  const wanted = policy.tiers[risk].checks
  return checkName.options.filter((check) => wanted.includes(check))
}
