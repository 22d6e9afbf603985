import { requireAtLeast, requireFinite, requirePositiveCount } from './check.ts'
import { around, type MeanEstimate, mean, variance } from './paired-mean.ts'

/** What PPI++ needs to know of the two samples. */
export interface LabelMoments {
  /** Items that carry a person's label and the model's prediction. */
  readonly golden: number
  /** Items with the prediction alone. */
  readonly silver: number
  readonly varianceLabel: number
  readonly variancePrediction: number
  readonly covariance: number
}

export interface PredictionPowered {
  /** How far the predictions are trusted: 0 = golden labels alone, 1 = plain PPI. */
  readonly lambda: number
  readonly goldenOnly: MeanEstimate
  /** Mean prediction over all items: biased by the judge's errors, shown and never decided on. */
  readonly silverOnly: MeanEstimate
  readonly combined: MeanEstimate
  /** Golden labels that would give the same standard error alone. */
  readonly effectiveGolden: number
}

/**
 * Mean of a label that few items have and a prediction of it that many have: PPI++ (Angelopoulos, Duchi, Zrnic 2023,
 * arXiv 2311.01453), θ = λ·mean_N(f) + mean_n(Y − λf). Unbiased whatever the predictions are worth. Intervals use
 * the t law with n − 1 degrees of freedom, since n is small. Golden items must be a random sample of the same
 * population, and the judge the same on both. For a comparison pass paired differences of labels and predictions.
 */
export function predictionPowered(
  golden: readonly { readonly label: number; readonly prediction: number }[],
  silver: readonly number[],
  confidence = 0.95,
): PredictionPowered {
  requireAtLeast('golden', golden.length, 2)
  requireAtLeast('silver', silver.length, 2)
  const labels = golden.map((item) => item.label)
  const predictions = golden.map((item) => item.prediction)
  requireFinite('golden', labels)
  requireFinite('golden', predictions)
  requireFinite('silver', silver)
  const n = golden.length
  const all = [...predictions, ...silver]
  const lambda = powerTuning({
    golden: n,
    silver: silver.length,
    varianceLabel: variance(labels),
    variancePrediction: variance(all),
    covariance: covariance(labels, predictions),
  })
  const rectified = labels.map((label, index) => label - lambda * predictions[index]!)
  const estimate = lambda * mean(silver) + mean(rectified)
  const squared = (lambda * lambda * variance(silver)) / silver.length + variance(rectified) / n
  return {
    lambda,
    goldenOnly: around(mean(labels), Math.sqrt(variance(labels) / n), n - 1, confidence),
    silverOnly: around(mean(all), Math.sqrt(variance(all) / all.length), all.length - 1, confidence),
    combined: around(estimate, Math.sqrt(squared), n - 1, confidence),
    effectiveGolden: squared === 0 ? n : variance(labels) / squared,
  }
}

/** λ* = Cov(Y, f)/((1 + n/N)·Var f), cut to [0, 1]; 0 when the predictions never vary. */
export function powerTuning(moments: LabelMoments): number {
  if (moments.variancePrediction === 0) return 0
  const whole = (1 + moments.golden / moments.silver) * moments.variancePrediction
  return Math.min(1, Math.max(0, moments.covariance / whole))
}

/** Standard error to be expected at trust λ, to plan how many golden labels a gate needs. */
export function predictionPoweredError(moments: LabelMoments, lambda = powerTuning(moments)): number {
  requirePositiveCount('golden', moments.golden)
  requirePositiveCount('silver', moments.silver)
  const { varianceLabel, variancePrediction, covariance: shared } = moments
  const rectified = varianceLabel - 2 * lambda * shared + lambda * lambda * variancePrediction
  return Math.sqrt((lambda * lambda * variancePrediction) / moments.silver + rectified / moments.golden)
}

function covariance(left: readonly number[], right: readonly number[]): number {
  const [meanLeft, meanRight] = [mean(left), mean(right)]
  let sum = 0
  for (const [index, value] of left.entries()) sum += (value - meanLeft) * (right[index]! - meanRight)
  return sum / (left.length - 1)
}
