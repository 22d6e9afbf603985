export { Admission, type KeyBudget, type Refusal, type SharedBudget } from './admit.ts'
export { type PoolMember, ReplicaPool } from './balance.ts'
export { ExposureCounter } from './exposures.ts'
export { type LeaseAuthority, LeaseRefused } from './leases/lease-authority.ts'
export { type AuthorityTime, type CalendarCount, LeaseBook } from './leases/lease-book.ts'
export { LeaseClient } from './leases/lease-client.ts'
export { leaseMsOf } from './leases/lease-law.ts'
export { resplit } from './resplit.ts'
export { type RoutingTable, SnapshotHolder } from './snapshot-holder.ts'
export { assign, BUCKETS, bucketOfUnit, ownerOf } from './split.ts'
export { type Allowance, ASK } from './text/allowance.ts'
export { LadderState, ladderFaults, type RungFailure } from './text/ladder.ts'
export {
  type AllowanceSpec,
  type Held,
  LimitBook,
  type LimitedBy,
  type LimitSubject,
  type Unleased,
} from './text/limit-book.ts'
export type { LimitLaw, LimitSettings, TtftSample } from './text/overload/concurrency-limit.ts'
export { HedgeLaw } from './text/overload/hedge-law.ts'
export {
  type GatePlace,
  type GateRefusal,
  type GateRefusalReason,
  type GateSettings,
  PlaceGate,
  type Waiter,
} from './text/overload/place-gate.ts'
