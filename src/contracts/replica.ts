import { z } from 'zod'
import { versionSpec } from './model.ts'
import { digest, epochMs, modelName, versionLabel } from './names.ts'
import { linkAddress, replicaAddress } from './snapshot.ts'

/** What a model server is told to run: a file whose path is its only argument. */
export const replicaSpec = z.object({
  replicaId: z.string(),
  model: modelName,
  label: versionLabel,
  versionId: digest,
  spec: versionSpec,
  /** Where the files of the spec lie, by their place in it (see `versionFiles`). */
  files: z.record(z.string(), z.string()).default({}),
  /** Where it listens for the link. */
  address: linkAddress,
  /** Folder of `status.json`, owned by this replica. */
  runFolder: z.string(),
  /** File with the key of scope `internal` that guards its metrics. */
  internalKeyFile: z.string(),
  drainTimeoutMs: z.number().int().default(30_000),
})
export type ReplicaSpec = z.infer<typeof replicaSpec>

/** What a model server says of itself in `status.json`, replaced whole at each change. */
export const replicaStatus = z.object({
  replicaId: z.string(),
  pid: z.number().int(),
  phase: z.enum(['starting', 'ready', 'draining', 'failed']),
  /** Where gateways ask it: over the link, or by URL where a server of another project answers. */
  address: replicaAddress,
  /** Health and metrics for people and probes; null until it listens. */
  httpUrl: z.string().nullable(),
  startedAt: epochMs,
  /** From process start to ready. */
  loadMs: z.number().nullable(),
  /** Why it failed: an error code and its text. */
  failure: z.object({ code: z.string(), detail: z.string() }).nullable(),
  /** How long it may take to start; left out: as long as the fleet gives to all. */
  startTimeoutMs: z.number().int().optional(),
  /** While it starts: what it does just now, for a person. */
  progress: z.string().max(300).optional(),
})
export type ReplicaStatus = z.infer<typeof replicaStatus>
