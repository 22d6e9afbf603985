import { z } from 'zod'

/** `spam_filter`: lower case, digits, `_` and `-`, starts with a letter, at most 63 characters. */
export const modelName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'A model name is lower case letters, digits, _ and -, at most 63.')

/** `v3.1`: the label a person gives to a version; its id is a hash. */
export const versionLabel = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'A version label is letters, digits, . _ and -, at most 63.')

/** `sha256:` and 64 lower case hex digits. */
export const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'A digest is sha256: and 64 hex digits.')

export const changeId = z.string().regex(/^c-[a-z0-9]{4,16}$/, 'A change id looks like c-7f3a.')

export const datasetName = z.string().regex(/^[a-z0-9][a-z0-9_@.-]{0,126}$/)

/** Milliseconds since the epoch. */
export const epochMs = z.number().int().nonnegative()

export type ModelName = z.infer<typeof modelName>
export type VersionLabel = z.infer<typeof versionLabel>
export type Digest = z.infer<typeof digest>
