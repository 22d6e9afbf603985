import { z } from 'zod'
import { type CheckName, checkName } from '../contracts/index.ts'
import { type Clock, SlipwayError, systemClock } from '../kernel/index.ts'
import { accuracyCheck } from './accuracy/check.ts'
import { compatibilityCheck } from './compatibility/check.ts'
import { costCheck } from './cost/check.ts'
import type { CostSizes } from './cost/plan.ts'
import type { Check, Judgement } from './lab.ts'
import { latencyCheck } from './latency/check.ts'
import type { LatencySizes } from './latency/plan.ts'
import { stabilityCheck } from './stability/check.ts'
import type { StabilitySizes } from './stability/plan.ts'

/** How much is measured. The rules of the statistics bound it from below and are no one's to change. */
export interface CheckSizes {
  readonly latency?: LatencySizes
  readonly stability?: StabilitySizes
  readonly cost?: CostSizes
}

export function createChecks(sizes: CheckSizes = {}, clock: Clock = systemClock): Record<CheckName, Check> {
  return {
    compatibility: compatibilityCheck(clock),
    accuracy: accuracyCheck(clock),
    stability: stabilityCheck(clock, sizes.stability),
    latency: latencyCheck(clock, sizes.latency),
    cost: costCheck(clock, sizes.cost),
  }
}

/** With the default sizes. */
export const checks: Record<CheckName, Check> = createChecks()

/**
 * The judgement of raw blocks under their plan. Pure: `slipway verify` gets the same from a bundle, years later.
 * `bundle_invalid` when plan or blocks are not of the form of the check.
 */
export function analyse(
  check: CheckName,
  plan: Record<string, unknown>,
  raw: Record<string, unknown>,
): Judgement {
  const name = checkName.parse(check)
  try {
    return checks[name].analyse(plan, raw)
  } catch (error) {
    throw new SlipwayError('bundle_invalid', { reason: reasonOf(name, error) }, { cause: error })
  }
}

function reasonOf(check: CheckName, error: unknown): string {
  // Numbers that no measurement gives are refused by the statistics themselves.
  if (!(error instanceof z.ZodError))
    return `the ${check} evidence cannot be judged: ${(error as Error).message}`
  const issue = error.issues[0]
  const where = issue === undefined ? '' : ` at ${issue.path.join('.')}: ${issue.message}`
  return `the ${check} evidence has another form${where}`
}
