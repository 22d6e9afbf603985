export { Admission, type KeyBudget, type Refusal } from './admit.ts'
export {
  type Balanced,
  type BalancePolicy,
  defaultBalancePolicy,
  type PickOutcome,
  type PoolMember,
  ReplicaPool,
} from './balance.ts'
export { ExposureCounter } from './exposures.ts'
export { resplit } from './resplit.ts'
export {
  type HolderParts,
  type PreparedTable,
  type RoutedModel,
  type RoutedVersion,
  type RoutingTable,
  SnapshotHolder,
} from './snapshot-holder.ts'
export { type Assignment, assign, BUCKETS, bucketOfUnit, experimentSeed, ownerOf } from './split.ts'
