import type { Clock } from '../../kernel/index.ts'
import type { Check } from '../lab.ts'
import { analyseStability } from './analyse.ts'
import { measureStability } from './measure.ts'
import { planStability, type StabilitySizes, stabilityPlan } from './plan.ts'
import { stabilityRaw } from './raw.ts'

/** Does the same question get the same answer: repeated, at any load, and when written a little differently? */
export function stabilityCheck(clock: Clock, sizes: StabilitySizes = {}): Check {
  return {
    name: 'stability',
    plan: async (context) => planStability(context, sizes),
    measure: async (context, plan, run) => ({
      ...(await measureStability(context, stabilityPlan.parse(plan.plan), run, clock)),
    }),
    analyse: (plan, raw) => analyseStability(stabilityPlan.parse(plan), stabilityRaw.parse(raw)),
  }
}
