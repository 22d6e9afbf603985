export { foreignReplica } from './foreign-replica.ts'
export { httpUpstream } from './http.ts'
export { type JsonPoster, jsonPoster } from './post-json.ts'
export {
  type RemoteParts,
  type RemoteTextUpstream,
  remoteTextUpstream,
} from './remote/remote-text-upstream.ts'
export { standardCodecs } from './remote/standard-codecs.ts'
export { replicaUpstream, type TextReplica } from './replica.ts'
export type { ProviderView } from './text/provider-view.ts'
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
