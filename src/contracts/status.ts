import { z } from 'zod'
import { deployment, traffic } from './deployment.ts'
import { model } from './model.ts'
import { changeId, versionLabel } from './names.ts'

export const modelSummary = model.extend({
  champion: versionLabel.nullable(),
  traffic: traffic.nullable(),
  openChanges: z.array(changeId),
  openIncidents: z.number().int(),
})
export type ModelSummary = z.infer<typeof modelSummary>

export const statusReport = z.object({
  version: z.string(),
  store: z.enum(['embedded', 'postgres']),
  startedAt: z.number(),
  models: z.array(modelSummary),
  deployments: z.array(deployment),
  processes: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['control', 'gateway', 'replica']),
      pid: z.number().int().nullable(),
      address: z.string().nullable(),
      ready: z.boolean(),
      memoryBytes: z.number().nullable(),
      detail: z.string().nullable(),
    }),
  ),
})
export type StatusReport = z.infer<typeof statusReport>
