export { httpUpstream } from './http.ts'
export { replicaUpstream } from './replica.ts'
export type { Upstream, UpstreamAnswer, UpstreamFailure, UpstreamOutcome } from './upstream.ts'
