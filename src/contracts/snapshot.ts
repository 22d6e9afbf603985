import { z } from 'zod'
import { keyLimits, limitRule, scope } from './keys.ts'
import { engineName, modelContract, textFields } from './model.ts'
import { digest, epochMs, modelName, versionLabel } from './names.ts'
import { priceOverride } from './price.ts'
import { provider, providerKind } from './provider.ts'
import { priorityClass, servingPolicy } from './serving-policy.ts'

/** Where a model server listens: `unix:/path/link.sock` here, `tcp:host:port` in a cluster. */
export const linkAddress = z.string().regex(/^(unix:.+|tcp:.+:\d+)$/)

/** Where a replica is asked: a model server over the link, or an endpoint that takes our predict body, by its URL. */
export const replicaAddress = z.union([linkAddress, z.url({ protocol: /^https?$/ }).max(2000)])

export const snapshotReplica = z.object({
  id: z.string(),
  address: replicaAddress,
  /** An endpoint by URL may be on this host or in a private network; without this only public addresses are called. */
  allowInner: z.boolean().optional(),
  /** What it speaks at a URL, as that kind of provider does; left out: our predict body. */
  speaks: providerKind.optional(),
  /** Draining replicas finish what they have and get nothing new. */
  draining: z.boolean().default(false),
})
export type SnapshotReplica = z.infer<typeof snapshotReplica>

/** A half-open interval [from, to) of the bucket space 0..2³² that a version owns. */
export const slice = z.object({ version: versionLabel, from: z.number().int(), to: z.number().int() })
export type Slice = z.infer<typeof slice>

export const snapshotVersion = z.object({
  label: versionLabel,
  id: digest,
  replicas: z.array(snapshotReplica),
  maxBatchRows: z.number().int(),
  /** What a version of text is, as far as a gateway must know. */
  text: z
    .object({
      engine: engineName,
      provider: textFields.provider,
      modelName: textFields.modelName,
      prompt: textFields.prompt,
      sampling: textFields.sampling,
      guardrails: textFields.guardrails,
    })
    .optional(),
})
export type SnapshotVersion = z.infer<typeof snapshotVersion>

export const snapshotModel = z.object({
  model: modelName,
  contract: modelContract,
  /** Seed of the assignment hash; changes only when units shall be dealt anew. */
  experiment: z.string(),
  slices: z.array(slice),
  versions: z.array(snapshotVersion),
  captureFailures: z.boolean(),
  serving: servingPolicy.optional(),
})
export type SnapshotModel = z.infer<typeof snapshotModel>

export const snapshotKey = z.object({
  publicId: z.string(),
  /** HMAC-SHA-256 of the secret under the pepper, hex. */
  mac: z.string(),
  tenant: z.string(),
  scopes: z.array(scope),
  limits: keyLimits,
  priority: priorityClass.optional(),
  expiresAt: epochMs.nullable(),
})
export type SnapshotKey = z.infer<typeof snapshotKey>

/** All that a gateway needs to work; swapped as one reference, kept on disk, enough to start without control. */
export const snapshot = z.object({
  revision: z.number().int(),
  createdAt: epochMs,
  models: z.array(snapshotModel),
  keys: z.array(snapshotKey),
  providers: z.array(provider).optional(),
  limits: z.array(limitRule).optional(),
  /** Prices that go before those of the catalogue. */
  prices: z.array(priceOverride).optional(),
})
export type Snapshot = z.infer<typeof snapshot>
