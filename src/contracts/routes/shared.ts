import { z } from 'zod'
import { changeId, modelName } from '../names.ts'

export const byModel = z.object({ model: modelName })
export const byChange = z.object({ change: changeId })

/** A page of a list: hand `next` back as `cursor` for the following one; null at the end. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().nullable() })
export const paged = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(200).optional(),
})
