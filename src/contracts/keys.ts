import { z } from 'zod'
import { epochMs, modelName } from './names.ts'
import { priorityClass } from './serving-policy.ts'

/** `internal` is for the processes of one installation; `approve` signs gates. `admin` holds all but `internal`. */
export const scope = z.enum(['predict', 'read', 'deploy', 'check', 'approve', 'admin', 'internal'])
export type Scope = z.infer<typeof scope>

export const keyLimits = z.strictObject({
  requestsPerSecond: z.number().positive().max(10_000_000).nullable().default(null),
  concurrency: z.number().int().positive().max(1_000_000).nullable().default(null),
  /** Tokens in and out, reserved before the call and settled by what was used. */
  tokensPerMinute: z.number().positive().max(1e12).nullable().optional(),
  costUsdPerDay: z.number().positive().max(1e9).nullable().optional(),
  costUsdPerMonth: z.number().positive().max(1e9).nullable().optional(),
  /** As of a rule, for tokens and money; requests and concurrency of a key are counted on by each gateway. */
  onStoreDown: z.enum(['closed', 'open']).optional(),
})
export type KeyLimits = z.infer<typeof keyLimits>

/**
 * What all keys of a tenant, all traffic of a model, or both together may use. Counted over all gateways; see
 * `onStoreDown` for when they cannot agree.
 */
export const limitRule = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/),
  tenant: z.string().min(1).max(100).optional(),
  model: modelName.optional(),
  requestsPerMinute: z.number().positive().max(1e9).optional(),
  tokensPerMinute: z.number().positive().max(1e12).optional(),
  concurrency: z.number().int().positive().max(1_000_000).optional(),
  costUsdPerDay: z.number().positive().max(1e9).optional(),
  costUsdPerMonth: z.number().positive().max(1e9).optional(),
  /** When what counts for all (control or Redis) cannot be asked and the lease is used up: refuse (default), or count on. */
  onStoreDown: z.enum(['closed', 'open']).optional(),
})
export type LimitRule = z.infer<typeof limitRule>

export const newKey = z.strictObject({
  name: z.string().min(1).max(100),
  tenant: z.string().min(1).max(100).default('default'),
  scopes: z.array(scope).min(1),
  limits: keyLimits.prefault({}),
  /** The most that a request with this key may claim; left out: `interactive`. */
  priority: priorityClass.optional(),
  expiresAt: epochMs.nullable().default(null),
})
export type NewKey = z.infer<typeof newKey>

export const apiKey = z.object({
  publicId: z.string(),
  name: z.string(),
  tenant: z.string(),
  scopes: z.array(scope),
  limits: keyLimits,
  priority: priorityClass.optional(),
  createdAt: epochMs,
  expiresAt: epochMs.nullable(),
  revokedAt: epochMs.nullable(),
})
export type ApiKey = z.infer<typeof apiKey>

/** The only time the secret is shown: `slw_<publicId>_<secret>`. */
export const createdKey = apiKey.extend({ key: z.string() })
export type CreatedKey = z.infer<typeof createdKey>
