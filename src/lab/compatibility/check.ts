import type { Clock } from '../../kernel/index.ts'
import type { Check } from '../lab.ts'
import { analyseCompatibility } from './analyse.ts'
import { measureCompatibility } from './measure.ts'
import { compatibilityPlan, planCompatibility } from './plan.ts'
import { compatibilityRaw } from './raw.ts'

/** Before anything is spent: can it run here, and does it still do what clients rely on? */
export function compatibilityCheck(clock: Clock): Check {
  return {
    name: 'compatibility',
    plan: async (context) => planCompatibility(context),
    measure: async (context, plan, run) => ({
      ...(await measureCompatibility(context, compatibilityPlan.parse(plan.plan), run, clock)),
    }),
    analyse: (plan, raw) => analyseCompatibility(compatibilityPlan.parse(plan), compatibilityRaw.parse(raw)),
  }
}
