export { httpUpstream } from './http.ts'
export { replicaUpstream } from './replica.ts'
export type {
  AcceptedBy,
  RelaySeen,
  TextCall,
  TextExchange,
  TextFailure,
  TextOutcome,
  TextSink,
  TextUpstream,
} from './text/text-upstream.ts'
export type { Upstream, UpstreamAnswer, UpstreamFailure, UpstreamOutcome } from './upstream.ts'
export { closedUpstream } from './upstream-closed.ts'
