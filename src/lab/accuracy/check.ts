import type { Clock } from '../../kernel/index.ts'
import type { Check } from '../lab.ts'
import { analyseAccuracy } from './analyse.ts'
import { measureAccuracy } from './measure.ts'
import { accuracyPlan, planAccuracy } from './plan.ts'
import { accuracyRaw } from './raw.ts'

/** Are the candidate's answers right as often as the champion's, on the same items, in the same run? */
export function accuracyCheck(clock: Clock): Check {
  return {
    name: 'accuracy',
    plan: async (context) => planAccuracy(context),
    measure: (context, plan, run) => measureAccuracy(context, accuracyPlan.parse(plan.plan), run, clock),
    analyse: (plan, raw) => analyseAccuracy(accuracyPlan.parse(plan), accuracyRaw.parse(raw).blocks),
  }
}
