import { z } from 'zod'
import type { Evidence } from '../../../../src/contracts/index.ts'

/**
 * What checks put into `details` for pages. Nothing here is judged, and another version of a check may say more or
 * less, so every part is optional and what does not fit is not shown.
 */
const rate = z.object({ estimate: z.number(), lower: z.number(), upper: z.number() })
const both = <T extends z.ZodType>(of: T) => z.object({ champion: of, candidate: of })

export const flip = z.object({
  id: z.string(),
  kind: z.enum(['fixed', 'broken']),
  label: z.string(),
  champion: z.string().nullable(),
  candidate: z.string().nullable(),
  slice: z.record(z.string(), z.string()).optional(),
  text: z.string(),
})
export type Flip = z.infer<typeof flip>

export const accuracyDetails = z
  .object({
    champion: rate,
    candidate: rate,
    fixed: z.number(),
    broken: z.number(),
    flips: z.array(flip),
    slices: z.array(
      z.object({
        slice: z.string(),
        n: z.number(),
        fixed: z.number(),
        broken: z.number(),
        difference: z.number(),
        lower: z.number(),
        upper: z.number(),
        adjustedP: z.number(),
      }),
    ),
  })
  .partial()

export type AccuracyDetails = z.infer<typeof accuracyDetails>

export const latencyDetails = z
  .object({
    ratePerSecond: z.number(),
    ladder: z.array(
      z.object({
        arm: z.enum(['champion', 'candidate']),
        concurrency: z.number(),
        requests: z.number(),
        goodPerSecond: z.number(),
        p50Ms: z.number().nullable(),
        p95Ms: z.number().nullable(),
      }),
    ),
    noiseFloor: z.object({ noise: z.number(), detectable: z.number() }).nullable(),
    percentiles: both(
      z.array(
        z.object({
          p: z.number(),
          ms: z.number().nullable(),
          needs: z.number().optional(),
          lowerMs: z.number().nullable().optional(),
          upperMs: z.number().nullable().optional(),
        }),
      ),
    ),
    curve: z.array(z.tuple([z.number(), z.number().nullable(), z.number().nullable()])),
    pairs: z.array(z.object({ ratio: z.number().nullable() })),
    queueMs: both(z.number().nullable()),
    computeMs: both(z.number().nullable()),
  })
  .partial()

export type LatencyDetails = z.infer<typeof latencyDetails>

export const stabilityDetails = z
  .object({
    noise: z.object({
      byKind: z.array(
        z.object({ kind: z.string(), n: z.number(), champion: z.number(), candidate: z.number() }),
      ),
    }),
    repeats: z.object({
      items: z.number(),
      runs: z.array(z.number()),
      agreement: both(z.unknown()),
    }),
  })
  .partial()

export const costDetails = z
  .object({
    computeSecondsPer1000: both(z.number().nullable()),
    price: z.string(),
    pairs: z.array(z.number().nullable()),
  })
  .partial()

/** Undefined where the details have another form. */
export function readDetails<S extends z.ZodType>(
  schema: S,
  evidence: Evidence | undefined,
): z.infer<S> | undefined {
  const read = schema.safeParse(evidence?.details)
  return read.success ? read.data : undefined
}

/** Raw blocks of all kinds: what `slipway verify` recomputes from. */
export function rawBlockCount({ raw }: Pick<Evidence, 'raw'>): number {
  return Object.values(raw).reduce<number>((sum, part) => sum + (Array.isArray(part) ? part.length : 1), 0)
}

/** A plan as lines: nested objects by dotted names, hashes short, long lists cut. */
export function planLines(plan: Record<string, unknown>, prefix = ''): [name: string, value: string][] {
  return Object.entries(plan).flatMap(([name, value]): [string, string][] => {
    const full = `${prefix}${name}`
    if (value !== null && typeof value === 'object' && !Array.isArray(value))
      return planLines(value as Record<string, unknown>, `${full}.`)
    const text = Array.isArray(value) ? value.join(', ') : String(value)
    return [[full, /^sha256:/.test(text) ? `${text.slice(7, 11)}…${text.slice(-4)}` : text.slice(0, 200)]]
  })
}
