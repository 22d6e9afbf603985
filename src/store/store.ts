import type {
  ApiKey,
  Change,
  ChangeEvent,
  ChangeEventType,
  CheckName,
  Dataset,
  DatasetItem,
  DeploymentStatus,
  Digest,
  Evidence,
  FailureCase,
  Incident,
  KeyLimits,
  LimitRule,
  Model,
  NewModel,
  NewProvider,
  PriceOverride,
  PriorityClass,
  RequestRecord,
  Rollout,
  RolloutLook,
  Scope,
  ServingPolicy,
  SignOff,
  Slice,
  TextWindow,
  Traffic,
  TrafficShares,
  TrafficWindow,
  Version,
  VersionSpec,
} from '../contracts/index.ts'
import type { BatchRepository, BlobFolder, ClientFileRepository } from './batch-store.ts'

/**
 * What the control plane remembers, one repository per aggregate. Embedded (PGlite in the data folder) or PostgreSQL;
 * the same suite holds both to these promises. Every write is durable when its promise resolves, and is told to
 * `watch` listeners of this process after it.
 */
export interface Store {
  readonly kind: 'embedded' | 'postgres'
  readonly models: ModelRepository
  readonly versions: VersionRepository
  readonly artifacts: ArtifactStore
  readonly clientFiles: ClientFileRepository
  readonly batches: BatchRepository
  readonly blobs: BlobFolder
  readonly datasets: DatasetRepository
  readonly deployments: DeploymentRepository
  readonly traffic: TrafficRepository
  readonly requestLog: RequestLog
  readonly windows: WindowRepository
  readonly textWindows: TextWindowRepository
  readonly changes: ChangeRepository
  readonly evidence: EvidenceRepository
  readonly signOffs: SignOffRepository
  readonly rollouts: RolloutRepository
  readonly incidents: IncidentRepository
  readonly failureCases: FailureCaseRepository
  readonly keys: KeyRepository
  readonly settings: SettingsRepository
  readonly limitCounts: LimitCountRepository
  readonly audit: AuditLog
  readonly jobs: JobQueue
  /** Called after each write; returns its undo. A listener that throws is logged, never the writer's problem. */
  watch(listener: (written: Written) => void): () => void
  /** Throws `store_unavailable` when the store does not answer within two seconds. */
  ping(): Promise<void>
  close(): Promise<void>
}

export interface Written {
  readonly topic:
    | 'models'
    | 'versions'
    | 'datasets'
    | 'deployments'
    | 'traffic'
    | 'windows'
    | 'changes'
    | 'evidence'
    | 'rollouts'
    | 'looks'
    | 'incidents'
    | 'failure-cases'
    | 'keys'
    | 'settings'
    | 'batches'
  /** Model name, change id, rollout id, key id, or kind and name of a setting. */
  readonly key: string
}

export interface Page<T> {
  readonly items: T[]
  readonly next: string | null
}
export interface PageRequest {
  readonly limit: number
  /** `next` of the page before. */
  readonly cursor?: string | null | undefined
}

export interface ModelRepository {
  /** `conflict` when the name is taken by a model that is not equal; equal is answered as if made now. */
  create(model: NewModel): Promise<Model>
  /** `unknown_model`. */
  get(name: string): Promise<Model>
  list(page: PageRequest): Promise<Page<Model>>
}

export interface VersionRepository {
  /** The id is the digest of the canonical spec. Same label and id again: the stored one. Same label, other id: `conflict`. */
  register(model: string, label: string, spec: VersionSpec): Promise<Version>
  /** `unknown_version`. */
  get(model: string, label: string): Promise<Version>
  list(model: string, page: PageRequest): Promise<Page<Version>>
}

/** Files by digest in the data folder. Writes go to a temporary name first, so a half-written file is never seen. */
export interface ArtifactStore {
  /** `artifact_digest_mismatch`, `body_too_large`. Idempotent. */
  put(
    digest: Digest,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    limitBytes?: number,
  ): Promise<{ digest: Digest; bytes: number }>
  /** `artifact_missing`. Verifies the content against the digest. */
  read(digest: Digest): Promise<Buffer>
  has(digest: Digest): Promise<boolean>
  /** A path of a file with that content; `name` gives the extension that loaders want. `artifact_missing`. */
  materialise(digest: Digest, name: string): Promise<string>
}

export interface DatasetRepository {
  /** The same name with the same items again: the stored one. With other items: `conflict`. `unknown_model`. */
  register(dataset: Omit<Dataset, 'createdAt'>): Promise<Dataset>
  /** `dataset_missing`. */
  get(name: string): Promise<Dataset>
  list(page: PageRequest): Promise<Page<Dataset>>
  /** Items in file order, from the artifact of the dataset: one JSON object a line, plain or gzip. `dataset_invalid`. */
  items(name: string): Promise<DatasetItem[]>
}

export interface DeploymentRow {
  readonly id: string
  readonly model: string
  readonly version: string
  readonly status: DeploymentStatus
  readonly reason: string | null
  readonly replicas: number
  readonly gpuType: string | null
  readonly trafficPercent: number
  /** Percent that it was promised for when it is active. Void once a split names it, or when it stops or fails. */
  readonly trafficWhenActive?: number
  readonly createdAtMs: number
}
export interface DeploymentRepository {
  /** Makes it, or brings a stopped one back to `deploying`. Without `trafficWhenActive` an earlier promise stands. */
  upsert(wanted: {
    model: string
    version: string
    replicas: number
    gpuType: string | null
    trafficWhenActive?: number
  }): Promise<DeploymentRow>
  setStatus(model: string, version: string, status: DeploymentStatus, reason: string | null): Promise<void>
  setReplicas(model: string, version: string, replicas: number): Promise<DeploymentRow>
  find(model: string, version: string): Promise<DeploymentRow | undefined>
  /** All that are not `stopped`, or all with `stopped` too. */
  list(options?: { model?: string; includeStopped?: boolean }): Promise<DeploymentRow[]>
}

export interface TrafficRow extends Traffic {
  readonly slices: Slice[]
}
export interface TrafficRepository {
  get(model: string): Promise<TrafficRow | undefined>
  list(): Promise<TrafficRow[]>
  /** One transaction: the split, its history row and `traffic_pct` of the deployments. `etag_mismatch` on a stale revision. */
  set(
    model: string,
    write: { shares: TrafficShares; slices: Slice[]; reason: string },
    expectedRevision?: number,
  ): Promise<TrafficRow>
  /** Newest first. */
  history(model: string, limit: number): Promise<TrafficRow[]>
  /** As `history`, page by page; what was written after `untilMs` is left out. */
  listHistory(
    model: string,
    filter: { untilMs?: number | undefined },
    page: PageRequest,
  ): Promise<Page<TrafficRow>>
}

export interface LogBatch {
  readonly gateway: string
  readonly sequence: number
  readonly records: readonly RequestRecord[]
}
export interface Derived {
  readonly windows: readonly TrafficWindow[]
  /** Each (model, version, start) once. */
  readonly textWindows?: readonly TextWindow[]
  readonly failureCases: readonly FailureCase[]
}

/** Times past the year 9999 are stored as its end; U+0000 and halves of surrogate pairs as U+FFFD. */
export interface RequestLog {
  /** By COPY into the partitioned `inference_logs`; one call is one transaction. A batch (gateway, sequence) is taken once. */
  append(
    source: { gateway: string; sequence: number },
    records: readonly RequestRecord[],
  ): Promise<{ taken: number }>
  /**
   * Several batches in one transaction, with what follows from those that are new: `derive` gets the records of the
   * batches that were not taken before, and its windows and failure cases are stored with them or not at all.
   * `isNew` has one answer a batch; `newCases` counts the cases whose request had none.
   */
  take(
    batches: readonly LogBatch[],
    derive: (records: readonly RequestRecord[]) => Derived,
  ): Promise<{ isNew: boolean[]; newCases: number }>
  list(
    filter: {
      model?: string | undefined
      version?: string | undefined
      status?: number | undefined
      requestId?: string | undefined
    },
    page: PageRequest,
  ): Promise<Page<RequestRecord>>
  count(filter: { model?: string; fromMs?: number; toMs?: number }): Promise<number>
  /** Makes the partitions of the coming days, drops those past retention. Idempotent. Returns what it did. */
  maintainPartitions(nowMs: number, retentionDays: number): Promise<{ made: string[]; dropped: string[] }>
}

export interface WindowRepository {
  /** Adds to the stored window of the same (model, version, start, size): counts and histograms merge. */
  merge(windows: readonly TrafficWindow[]): Promise<void>
  /** By start; `fromMs` inclusive, `toMs` exclusive. */
  list(filter: { model: string; fromMs: number; toMs: number; versions?: string[] }): Promise<TrafficWindow[]>
}

export interface TextWindowRepository {
  /** Adds to the stored minutes of the same (model, version, start), each given once. */
  merge(windows: readonly TextWindow[]): Promise<void>
  /** By start, then version; `fromMs` inclusive, `toMs` exclusive. */
  list(filter: { model: string; fromMs: number; toMs: number }): Promise<TextWindow[]>
}

export interface ChangeRepository {
  create(change: Change, event: NewEvent): Promise<Change>
  /** `unknown_change`. */
  get(id: string): Promise<Change>
  list(
    filter: { model?: string | undefined; open?: boolean | undefined },
    page: PageRequest,
  ): Promise<Page<Change>>
  /**
   * One transaction: appends the event to the chain and stores the patched change. `change_conflict` when the chain has
   * grown past `expectedSequence` (the sequence that the writer last saw).
   */
  append(
    id: string,
    expectedSequence: number,
    event: NewEvent,
    patch: Partial<Omit<Change, 'id'>>,
  ): Promise<{ change: Change; event: ChangeEvent }>
  /** Not part of the chain: progress counters for people. */
  setProgress(id: string, checks: Change['checks']): Promise<void>
  events(id: string): Promise<ChangeEvent[]>
}
export interface NewEvent {
  readonly at: number
  readonly actor: string
  readonly type: ChangeEventType
  readonly data: Record<string, unknown>
}

export interface EvidenceRepository {
  /** Content-addressed; the same hash again is a no-op. */
  put(evidence: Evidence): Promise<void>
  list(changeId: string): Promise<Evidence[]>
  find(changeId: string, check: CheckName): Promise<Evidence | undefined>
  /** Durable blocks of a check that is not finished, so that a stopped run goes on where it was. */
  putBlock(changeId: string, check: CheckName, planHash: Digest, index: number, block: unknown): Promise<void>
  blocks(changeId: string, check: CheckName, planHash: Digest): Promise<Map<number, unknown>>
}

export interface SignOffRepository {
  put(signOff: SignOff): Promise<void>
  list(changeId: string): Promise<SignOff[]>
}

export interface RolloutRepository {
  create(rollout: Rollout): Promise<void>
  get(id: string): Promise<Rollout | undefined>
  listOpen(): Promise<Rollout[]>
  update(id: string, patch: Partial<Omit<Rollout, 'id'>>): Promise<Rollout>
  /** The look and the rollout's new state in one transaction; a sequence that exists already is refused with `conflict`. */
  putLook(look: RolloutLook, patch: Partial<Omit<Rollout, 'id'>>): Promise<Rollout>
  /** Oldest first; those after the sequence `since`, at most `limit`. Left out: all. */
  looks(
    rolloutId: string,
    range?: { since?: number | undefined; limit?: number | undefined },
  ): Promise<RolloutLook[]>
}

export interface IncidentRepository {
  /** The same id again changes nothing: whoever opens one may have to do so twice. `unknown_model`. */
  open(incident: Incident): Promise<void>
  addAction(id: string, action: { at: number; what: string }): Promise<void>
  close(id: string, at: number): Promise<void>
  list(filter: { model?: string; open?: boolean }, page: PageRequest): Promise<Page<Incident>>
}

export interface FailureCaseRepository {
  /** One case per request id. Returns how many were new. */
  put(cases: readonly FailureCase[]): Promise<number>
  /** Ties cases of a version since a time to the change and incident. Returns how many. */
  attach(
    filter: { model: string; version: string; sinceMs: number },
    to: { changeId: string | null; incidentId: string | null },
  ): Promise<number>
  list(
    filter: { model?: string | undefined; change?: string | undefined },
    page: PageRequest,
  ): Promise<Page<FailureCase>>
}

export interface StoredKey extends ApiKey {
  readonly mac: string
}
export interface KeyRepository {
  create(key: {
    publicId: string
    mac: string
    name: string
    tenant: string
    scopes: Scope[]
    limits: KeyLimits
    priority?: PriorityClass | undefined
    expiresAt: number | null
  }): Promise<StoredKey>
  list(page: PageRequest): Promise<Page<StoredKey>>
  find(publicId: string): Promise<StoredKey | undefined>
  /** `unknown_key`. */
  revoke(publicId: string, at: number): Promise<StoredKey>
}

/** How text is served, by kind: the named documents that every gateway gets with its snapshot. */
export interface SettingBodies {
  provider: NewProvider
  /** By the name of its model. */
  'serving-policy': ServingPolicy
  limit: LimitRule
  price: PriceOverride
}
export type SettingKind = keyof SettingBodies

export interface Setting<K extends SettingKind> {
  readonly kind: K
  readonly name: string
  /** Grows by one with each write. */
  readonly revision: number
  readonly body: SettingBodies[K]
  readonly updatedAtMs: number
}

export interface SettingsRepository {
  find<K extends SettingKind>(kind: K, name: string): Promise<Setting<K> | undefined>
  /** By name. */
  list<K extends SettingKind>(kind: K): Promise<Setting<K>[]>
  /** Makes or replaces it. `etag_mismatch` when one exists with another revision than expected. */
  put<K extends SettingKind>(
    kind: K,
    name: string,
    body: SettingBodies[K],
    expectedRevision?: number,
  ): Promise<Setting<K>>
  /** Whether there was one. */
  remove(kind: SettingKind, name: string): Promise<boolean>
}

/** What a limit of a day or month has used, over all gateways. */
export interface LimitCount {
  readonly id: string
  /** Of the span, epoch ms. */
  readonly startMs: number
  readonly endMs: number
  /** Requests, tokens, or millionths of a dollar; a whole number. */
  readonly used: number
}

export interface LimitCountRepository {
  /** Makes or replaces them, all or none. */
  put(counts: readonly LimitCount[]): Promise<void>
  /** Those whose span has not ended; the others are forgotten. */
  list(nowMs: number): Promise<LimitCount[]>
}

export interface NewAuditEntry {
  readonly at: number
  readonly actor: string
  /** Verb and noun: `revoke key`, `set traffic`. */
  readonly action: string
  readonly target: string
  readonly detail: Record<string, unknown>
}
/** Hash-chained like the events of a change. */
export interface AuditEntry extends NewAuditEntry {
  readonly sequence: number
  readonly previousHash: Digest | null
  readonly hash: Digest
}
export interface AuditLog {
  append(entry: NewAuditEntry): Promise<AuditEntry>
  /** Newest first. */
  list(page: PageRequest): Promise<Page<AuditEntry>>
  /**
   * How many entries say `action` of `target` with these words in their detail, and how many different values their
   * detail has under `each`.
   */
  count(
    filter: { action: string; target: string; detail?: Readonly<Record<string, string>> },
    each: string,
  ): Promise<{ entries: number; different: number }>
}

/** Durable jobs (pg-boss underneath). A job runs at least once; its handler must be idempotent. */
export interface JobQueue {
  /** `key` makes it single: a second send with the same key while one is waiting or running is a no-op. */
  send(
    queue: string,
    data: Record<string, unknown>,
    options?: { key?: string; startAfterMs?: number },
  ): Promise<void>
  /** One job at a time per call. Returns its undo, which waits for the running job. */
  work(
    queue: string,
    handler: (data: Record<string, unknown>, signal: AbortSignal) => Promise<void>,
  ): Promise<() => Promise<void>>
}
