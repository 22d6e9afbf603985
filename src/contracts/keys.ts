import { z } from 'zod'
import { epochMs } from './names.ts'

/** `internal` is for the processes of one installation; `approve` signs gates. `admin` holds all but `internal`. */
export const scope = z.enum(['predict', 'read', 'deploy', 'check', 'approve', 'admin', 'internal'])
export type Scope = z.infer<typeof scope>

export const keyLimits = z.strictObject({
  requestsPerSecond: z.number().positive().max(10_000_000).nullable().default(null),
  concurrency: z.number().int().positive().max(1_000_000).nullable().default(null),
})
export type KeyLimits = z.infer<typeof keyLimits>

export const newKey = z.strictObject({
  name: z.string().min(1).max(100),
  tenant: z.string().min(1).max(100).default('default'),
  scopes: z.array(scope).min(1),
  limits: keyLimits.prefault({}),
  expiresAt: epochMs.nullable().default(null),
})
export type NewKey = z.infer<typeof newKey>

export const apiKey = z.object({
  publicId: z.string(),
  name: z.string(),
  tenant: z.string(),
  scopes: z.array(scope),
  limits: keyLimits,
  createdAt: epochMs,
  expiresAt: epochMs.nullable(),
  revokedAt: epochMs.nullable(),
})
export type ApiKey = z.infer<typeof apiKey>

/** The only time the secret is shown: `slw_<publicId>_<secret>`. */
export const createdKey = apiKey.extend({ key: z.string() })
export type CreatedKey = z.infer<typeof createdKey>
