import type { Clock } from '../../kernel/index.ts'
import type { Check } from '../lab.ts'
import { analyseCost } from './analyse.ts'
import { measureCost } from './measure.ts'
import { type CostSizes, costPlan, planCost } from './plan.ts'
import { costRaw } from './raw.ts'

/** Does an answer take more compute? The first honest form of cost: seconds of a core, and money only by a given price. */
export function costCheck(clock: Clock, sizes: CostSizes = {}): Check {
  return {
    name: 'cost',
    plan: async (context) => planCost(context, sizes),
    measure: (context, plan, run) => measureCost(context, costPlan.parse(plan.plan), run, clock),
    analyse: (plan, raw) => analyseCost(costPlan.parse(plan), costRaw.parse(raw).blocks),
  }
}
