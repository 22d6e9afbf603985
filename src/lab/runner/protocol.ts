import { z } from 'zod'
import { change, checkName, digest, model, version } from '../../contracts/index.ts'

/** The first line on the runner's stdin. Its stdin stays open: when it closes, whoever asked is gone. */
export const labJob = z.object({
  check: checkName,
  change,
  model,
  champion: version,
  candidate: version,
  golden: z.object({ name: z.string(), digest, itemsPath: z.string() }),
  /** Paths of artifacts by digest. */
  artifacts: z.record(z.string(), z.string()),
  gatewayUrl: z.string(),
  key: z.string(),
  seed: z.number().int(),
  plan: z.object({
    check: checkName,
    plan: z.record(z.string(), z.unknown()),
    expectedMs: z.number(),
    says: z.array(z.string()),
    impossible: z.array(z.string()),
  }),
  /** Blocks that an earlier run of the same plan finished. */
  finished: z.array(z.tuple([z.number().int(), z.unknown()])),
})
export type LabJob = z.infer<typeof labJob>

/** One line each on the runner's stdout. `plan` comes first, `done` or `failed` last. */
export const labEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('plan'), planHash: digest }),
  z.object({
    type: z.literal('progress'),
    done: z.number(),
    total: z.number(),
    unit: z.string(),
    etaMs: z.number().nullable(),
  }),
  z.object({ type: z.literal('block'), index: z.number().int(), block: z.unknown() }),
  z.object({ type: z.literal('done'), raw: z.record(z.string(), z.unknown()) }),
  z.object({ type: z.literal('failed'), reason: z.string() }),
])
export type LabEvent = z.infer<typeof labEvent>
