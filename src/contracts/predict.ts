import { z } from 'zod'
import { modelName, versionLabel } from './names.ts'

/**
 * The body of `POST /api/v1/models/{model}/predict`. A row names its tensors; `features` stands for the only input
 * of a model that has one numeric input. Rows are checked against the model's contract by code compiled from it,
 * so this schema only describes the outer form.
 */
export const predictRequest = z.strictObject({
  inputs: z.array(z.record(z.string(), z.unknown())).min(1),
  params: z.strictObject({ version: versionLabel.optional() }).optional(),
  /** The unit of assignment, where the header `x-slipway-unit` is not sent. */
  user: z.string().max(256).optional(),
})
export type PredictRequest = z.infer<typeof predictRequest>

export const predictResponse = z.object({
  model: modelName,
  version: versionLabel,
  outputs: z.array(z.record(z.string(), z.unknown())),
})
export type PredictResponse = z.infer<typeof predictResponse>

/** Header names, in one place; every answer carries the first four. */
export const headerNames = {
  requestId: 'x-slipway-request-id',
  model: 'x-slipway-model',
  version: 'x-slipway-version',
  replica: 'x-slipway-replica',
  unit: 'x-slipway-unit',
  timeoutMs: 'x-slipway-timeout-ms',
  /** On requests: the class of priority, no higher than the key's. */
  priority: 'x-slipway-priority',
  /** On requests of the installation's own processes: the public id of the key that they act for. */
  onBehalfOf: 'x-slipway-on-behalf-of',
  /** On requests: fields that may be left out where what answers does not have them. On answers: those that were. */
  drop: 'x-slipway-drop',
  fallback: 'x-slipway-fallback',
  cache: 'x-slipway-cache',
  /** On answers: milliseconds of compute that the replica spent on this request's share of its batch. */
  computeMs: 'x-slipway-compute-ms',
  queueMs: 'x-slipway-queue-ms',
} as const
