export { type ReplicaUpstreamOptions, replicaUpstream } from './replica.ts'
export type {
  Upstream,
  UpstreamAnswer,
  UpstreamFailure,
  UpstreamOutcome,
  UpstreamRequest,
} from './upstream.ts'
