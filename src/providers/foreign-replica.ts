import { type ProviderKind, provider } from '../contracts/index.ts'
import type { DialectName } from '../dialects/index.ts'
import type { Clock, Logger, Random } from '../kernel/index.ts'
import { remoteTextUpstream } from './remote/remote-text-upstream.ts'
import { standardCodecs } from './remote/standard-codecs.ts'
import type { TextFailure, TextSink, TextUpstream } from './text/text-upstream.ts'
import type { Upstream } from './upstream.ts'
import { closedUpstream } from './upstream-closed.ts'

export interface ForeignReplicaOptions {
  readonly id: string
  /** Where it answers, without a path. */
  readonly url: string
  /** Whose API it speaks. */
  readonly kind: ProviderKind
  /** What it asks of its callers. */
  readonly key: string
  readonly allowInner: boolean
  readonly model: string
  readonly version: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** Requests that one gateway has at one replica; the server queues by its own rules long before. */
const MAX_CONNECTIONS = 1024
const KEY_NAME = 'REPLICA_KEY'
/**
 * What every release that is started takes as it is. vLLM's own paths for Responses and Anthropic's messages are younger
 * (seen in 0.10.0 and 0.16.0), and a replica's release is not known here: those clients are translated for.
 */
const RELAYED: ReadonlySet<DialectName> = new Set(['openai-chat', 'openai-completions'])

/**
 * A replica that is a model server of another project, spoken to as a provider of its kind is. What is wrong with it is
 * told as of a replica: another one of the same version is asked, and the pool puts this one aside. It answers text
 * only, so that rows are refused as by a closed one.
 */
export function foreignReplica(options: ForeignReplicaOptions): Upstream & { readonly text: TextUpstream } {
  const { allowInner, clock, id, key, kind, log, model, random, url, version } = options
  const remote = remoteTextUpstream(
    provider.parse({
      name: 'replica',
      kind,
      baseUrl: `${url}/v1`,
      accounts: [{ name: 'replica', key: `\${env:${KEY_NAME}}` }],
      maxRetries: 0,
      maxConnections: MAX_CONNECTIONS,
      // The gateway's bounds on a try are tighter; these only keep a try from lasting for ever.
      timeouts: { firstContentMs: 600_000, idleMs: 120_000, totalMs: 3_600_000 },
      allowInner,
      revision: 1,
      updatedAt: 0,
    }),
    {
      clock,
      random,
      log: log.child({ replica: id }),
      env: { [KEY_NAME]: key },
      readFile: () => '',
      codecs: standardCodecs,
    },
  )
  const text: TextUpstream = {
    id,
    get isReady() {
      return remote.isReady
    },
    whenReady: () => remote.whenReady(),
    relays: new Set([...remote.relays].filter((name) => RELAYED.has(name))),
    start: (call, sink) => remote.start(call, asReplica(sink)),
    close: () => remote.close(),
  }
  return {
    ...closedUpstream({ id, model, version }),
    text,
    get isReady() {
      return remote.isReady
    },
    whenReady: () => remote.whenReady(),
    close: () => remote.close(),
  }
}

/** Accounts are a provider's; a replica has none. */
function asReplica(sink: TextSink): TextSink {
  return {
    accepted: (by) => sink.accepted({ ...by, account: null }),
    event: (event) => sink.event(event),
    relayed: (bytes, seen) => sink.relayed(bytes, seen),
    answer: (answer) => sink.answer(answer),
    settled: ({ failure, ...outcome }) =>
      sink.settled({
        ...outcome,
        account: null,
        failure: failure === undefined ? undefined : ofReplica(failure),
      }),
  }
}

/** No answer at all is the replica's end, as far as one request can see; what it answered is its own to say. */
function ofReplica(failure: TextFailure): TextFailure {
  if (failure.code === 'provider_unready') return { ...failure, code: 'replica_unready' }
  if (failure.code === 'upstream_failed' && failure.class === 'error' && failure.status === 0)
    return { ...failure, code: 'replica_lost' }
  return failure
}
