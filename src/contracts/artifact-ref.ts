import { z } from 'zod'
import { digest } from './names.ts'

/** A file that a version needs, by content. `name` keeps the extension for people and loaders. */
export const artifactRef = z.strictObject({ digest, name: z.string().max(255) })
export type ArtifactRef = z.infer<typeof artifactRef>
