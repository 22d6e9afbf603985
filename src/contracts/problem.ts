import { z } from 'zod'

/** RFC 9457 problem details, with the members we add. `pointer` is an RFC 6901 JSON pointer into the body. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
  hint: z.string().optional(),
  pointer: z.string().optional(),
  requestId: z.string().optional(),
  docs: z.string().optional(),
})
export type Problem = z.infer<typeof problem>
