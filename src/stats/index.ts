export { BRAKE, brakes } from './canary/brake.ts'
export {
  DEFAULT_GUARD,
  type GuardDecision,
  type GuardPlan,
  type GuardReading,
  type GuardReason,
  judgeGuard,
} from './canary/guard.ts'
export {
  type ArmCount,
  addWindow,
  type CanarySums,
  type CanaryWindow,
  canaryLaw,
  type LawOptions,
  type LawReading,
  MINIMUM_EVENTS,
  MINIMUM_WINDOWS,
  NO_WINDOWS,
  readLaw,
} from './canary/law.ts'
export {
  type CanaryDuration,
  type CanaryPlan,
  type CanaryPlanOptions,
  type CanaryTraffic,
  detectableRise,
  detectionTime,
  planCanary,
  promotionTime,
} from './canary/plan.ts'
export { type McNemar, mcnemar } from './mcnemar.ts'
export { newcombe } from './newcombe.ts'
export { type MeanEstimate, tInterval } from './paired-mean.ts'
export { clopperPearson, wilson } from './proportion.ts'
export type { Estimate, Proportion, Random } from './types.ts'
export { type AxisVerdict, type Difference, verdictOf } from './verdict.ts'
