import { z } from 'zod'
import { modelName, versionLabel } from './names.ts'

export const deploymentStatus = z.enum(['deploying', 'active', 'draining', 'failed', 'stopped'])
export type DeploymentStatus = z.infer<typeof deploymentStatus>

/** Percent of a model's requests by version label; sums to 100, shares in steps of 0.01. */
export const trafficShares = z.record(versionLabel, z.number().min(0).max(100))
export type TrafficShares = z.infer<typeof trafficShares>

/** The published form, snake case kept as published. */
export const newDeployment = z.strictObject({
  model_name: modelName,
  version: versionLabel,
  traffic_percent: z.number().min(0).max(100).default(0),
  resources: z
    .strictObject({
      gpu: z.string().max(60).optional(),
      replicas: z.number().int().min(0).max(64).default(1),
    })
    .prefault({}),
})
export type NewDeployment = z.infer<typeof newDeployment>

export const deployment = z.object({
  deployment_id: z.string(),
  model_name: modelName,
  version: versionLabel,
  status: deploymentStatus,
  /** Why the status is what it is, when there is something to say. */
  reason: z.string().optional(),
  replicas: z.number().int(),
  ready_replicas: z.number().int(),
  gpu_type: z.string().nullable(),
  traffic_pct: z.number(),
  created_at: z.string(),
})
export type Deployment = z.infer<typeof deployment>

export const traffic = z.object({
  model: modelName,
  /** Grows by one with each write; the ETag of the split. */
  revision: z.number().int(),
  shares: trafficShares,
  /** Why it was last written: `person`, or the rollout that did it. */
  reason: z.string(),
  updatedAt: z.number(),
  /** A version that is being started again and takes everything when it is ready. */
  pending: versionLabel.optional(),
})
export type Traffic = z.infer<typeof traffic>
