import { z } from 'zod'

/** Whole numbers that doubles (and so Lua in Redis) hold exactly. */
const units = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

/**
 * How an account fills again. Amounts are whole units: requests, tokens, places, or millionths of a dollar.
 * `rate`: a bucket of one period's worth (at least 1) that refills evenly. `calendar`: so much a day or month, UTC, by
 * the clock of who counts. `places`: so many at once.
 */
export const leaseLaw = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('rate'),
    limit: z.number().positive().max(1e15),
    periodMs: z.number().int().min(1000).max(60_000),
  }),
  z.strictObject({
    kind: z.literal('calendar'),
    limit: units,
    span: z.enum(['day', 'month']),
  }),
  z.strictObject({ kind: z.literal('places'), limit: units }),
])
export type LeaseLaw = z.infer<typeof leaseLaw>

export const leaseAsk = z.strictObject({
  /** Of the account: `rule/free/tokens`. Does not name the limit, so a changed limit keeps what was used. */
  id: z.string().min(1).max(200),
  law: leaseLaw,
  /** Taken from earlier leases and not used. */
  release: units,
  /** Used without having been leased. */
  owe: units,
  /** What the request that waits longest needs; 0: nobody waits. */
  first: units,
  /** What all that wait need, `first` among them. */
  need: units,
  /** What would be nice to have beyond, so that nobody has to wait. */
  spare: units,
  /** `places` only: how many this gateway holds now, in use or free. Absolute; renews them. */
  holds: units,
})
export type LeaseAsk = z.infer<typeof leaseAsk>

/**
 * One message of a gateway. It has one under way at a time and repeats it until it is answered, so what it says counts
 * exactly once as long as who counts remembers the session.
 */
export const leaseExchange = z.strictObject({
  /** One start of one gateway. */
  session: z.string().min(1).max(100),
  sequence: z.number().int().min(1),
  asks: z.array(leaseAsk).max(256),
})
export type LeaseExchange = z.infer<typeof leaseExchange>

export const leaseGrant = z.object({
  granted: z.number().int().min(0),
  /** How long after it was asked for the lease may be used, ms. */
  leaseMs: z.number().min(0),
  /** What nobody has, after this grant. */
  left: z.number().int().min(0),
  /** When it is worth asking again where `first` was not granted; -1: never, it is more than the limit. */
  waitMs: z.number().min(-1),
  /** `calendar`: the start of the span, epoch ms. A new one voids what is left of earlier leases. Else 0. */
  epoch: z.number(),
  /** `calendar`: ms until the next span. Else 0. */
  renewsMs: z.number().min(0),
  /** `places`: of those that were held, so many too many, since others were given them after the lease ran out. Else 0. */
  lost: z.number().int().min(0),
  /** Somebody was refused lately: keep nothing that is not needed. */
  scarce: z.boolean(),
})
export type LeaseGrant = z.infer<typeof leaseGrant>

/** Grants in the order of the asks. */
export const leaseAnswer = z.object({ sequence: z.number().int(), grants: z.array(leaseGrant) })
export type LeaseAnswer = z.infer<typeof leaseAnswer>
