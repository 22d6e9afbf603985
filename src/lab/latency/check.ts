import type { Clock } from '../../kernel/index.ts'
import type { Check } from '../lab.ts'
import { analyseLatency } from './analyse.ts'
import { measureLatency } from './measure.ts'
import { type LatencySizes, latencyPlan, planLatency } from './plan.ts'
import { latencyRaw } from './raw.ts'

/** Does an answer take longer, on the path that users take, at a load they may make? */
export function latencyCheck(clock: Clock, sizes: LatencySizes = {}): Check {
  return {
    name: 'latency',
    plan: async (context) => planLatency(context, sizes),
    measure: async (context, plan, run) => ({
      ...(await measureLatency(context, latencyPlan.parse(plan.plan), run, clock)),
    }),
    analyse: (plan, raw) => analyseLatency(latencyPlan.parse(plan), latencyRaw.parse(raw)),
  }
}
