import type { z } from 'zod'
import { SlipwayError } from '../kernel/index.ts'

/** Checks a part of a request against its schema; the first complaint becomes `invalid_request` with its pointer. */
export function parsed(
  schema: z.ZodType | 'bytes' | undefined,
  value: unknown,
  part: 'path' | 'query' | 'body',
): unknown {
  if (schema === undefined || schema === 'bytes') return undefined
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = issue?.path.map(String) ?? []
  const where = path.length > 0 ? `${part === 'body' ? '' : `${part} `}${path.join('.')}: ` : `${part}: `
  const pointer =
    part === 'body' && path.length > 0
      ? `/${path.map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`
      : undefined
  throw new SlipwayError(
    'invalid_request',
    { reason: `${where}${issue?.message ?? 'invalid'}` },
    pointer === undefined ? {} : { pointer },
  )
}
