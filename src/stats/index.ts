/**
 * Statistics that decide: pure functions, no imports, no clock, randomness passed in. Reference values in `vectors/`.
 *
 * - A rate: `wilson`. Two rates of separate requests: `newcombe`, few events: `fisherExact`.
 * - Right or wrong on the same items: `mcnemar` for a p-value, `pairedDifference` for an interval and a margin.
 * - Scores on the same items: `tInterval`, `signFlip`, `bcaInterval`; items in clusters: `clusteredMean`.
 * - Latency: one log-ratio a block pair into `tInterval`; `blockBootstrap` as the cross-check; `quantileInterval` for one arm.
 * - Labels by people and by models: `predictionPowered`, `roganGladen`. Several answers an item: `passAtK`, `passHatK`.
 * - Several tests: `holm` for gates, `benjaminiHochberg` for slices. An interval against a margin: `verdictOf`.
 * - Live traffic: `addWindow` and `judgeGuard` (or `readLaw`), `brakes`, and before the start `planCanary`.
 */
export { type BootstrapOptions, bcaInterval, blockBootstrap } from './bootstrap.ts'
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
export { windowsNeeded } from './canary/needs.ts'
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
export { rateDeviation } from './canary/rate-deviation.ts'
export { clusteredMean } from './clustered-mean.ts'
export { countEValue, pairEValue } from './e-value.ts'
export { fisherExact } from './fisher.ts'
export { type McNemar, mcnemar } from './mcnemar.ts'
export { benjaminiHochberg, holm } from './multiplicity.ts'
export { newcombe } from './newcombe.ts'
export { type MeanEstimate, tInterval } from './paired-mean.ts'
export { type Pairs, pairedDifference } from './paired-proportions.ts'
export { passAtK, passHatK } from './pass-at-k.ts'
export {
  detectableRatio,
  itemsForHalfWidth,
  itemsPerArm,
  pairedDetectable,
  pairedItemsForMargin,
  pairedItemsNeeded,
  pairsForMargin,
  pairsNeeded,
  ratioHalfWidth,
  type TestLevel,
} from './planning.ts'
export {
  type LabelMoments,
  type PredictionPowered,
  powerTuning,
  predictionPowered,
  predictionPoweredError,
} from './prediction-powered.ts'
export { clopperPearson, wilson } from './proportion.ts'
export { minimumQueries, percentileFloor, quantile, quantileInterval, quantileRanks } from './quantile.ts'
export { type RepeatSpread, repeatSpread } from './repeat-spread.ts'
export { type ImperfectJudge, roganGladen } from './rogan-gladen.ts'
export { type SampleRatio, sampleRatio } from './sample-ratio.ts'
export { type SignFlip, signFlip } from './sign-flip.ts'
export { chiSquareQuantile, chiSquareTail } from './special/chi-square.ts'
export { normalCdf, normalQuantile } from './special/normal.ts'
export { studentCdf, studentQuantile, studentTwoSided } from './special/student-t.ts'
export { trimmedInterval } from './trimmed-mean.ts'
export type { Estimate, Proportion, Random } from './types.ts'
export { type AxisVerdict, type Difference, settlesAt, verdictOf } from './verdict.ts'
