import type {
  ReplicaSpec,
  ReplicaStatus,
  Rollout,
  RolloutPlan,
  Snapshot,
  StepForecast,
  TrafficShares,
} from '../contracts/index.ts'
import type { DeploymentRow, TrafficRow } from '../store/index.ts'

/**
 * What runs where. Wishes are rows in the store (deployments, traffic); reconcilers make them true and survive a
 * restart at any point, since they read wishes and observed processes anew at each turn.
 */
export interface Fleet {
  /** Stores the wish and wakes the reconciler; does not wait for replicas. `unknown_version`. */
  deploy(wanted: {
    model: string
    version: string
    replicas: number
    gpuType: string | null
    trafficPercent: number
  }): Promise<DeploymentRow>
  scale(model: string, version: string, replicas: number): Promise<DeploymentRow>
  /** Refused with `conflict` while the version has traffic. */
  stop(model: string, version: string): Promise<DeploymentRow>
  /** Resolves when all wanted replicas are ready; rejects with the replica's failure, or when the signal aborts. */
  whenReady(model: string, version: string, signal: AbortSignal): Promise<void>
  /** `traffic_not_whole`, `traffic_inactive`, `etag_mismatch`, `unknown_model`. Shares that are left out are 0. */
  setTraffic(
    model: string,
    shares: TrafficShares,
    reason: string,
    expectedRevision?: number,
  ): Promise<TrafficRow>
  /**
   * All traffic to the version that had everything before the present split; one write. An open rollout is aborted.
   * Asked again it changes nothing, so two people at once go back once. A version that was stopped since is started again
   * and takes everything when it is ready; the answer then names it as `pending`.
   */
  rollback(model: string, reason: string): Promise<TrafficRow>
  /** The version with the largest share now, the older one in a tie. */
  championOf(model: string): Promise<string | undefined>
  replicas(): ObservedReplica[]
  snapshot(): Snapshot
  /** Called with each new snapshot; returns its undo. */
  onSnapshot(listener: (snapshot: Snapshot) => void): () => void
  readonly rollouts: Rollouts
  close(): Promise<void>
}

export interface Rollouts {
  /** What each step can detect and how long it takes, at the traffic of the last minute (or the one given). */
  forecast(wanted: RolloutWish, requestsPerSecond?: number): Promise<StepForecast[]>
  /** Fixes the guards' thresholds from the champion's live windows, stores the rollout, writes the first split. */
  start(wanted: RolloutWish & { changeId: string | null }): Promise<Rollout>
  /** Holds promotion; the judge goes on looking, and may still abort. */
  pause(id: string, reason: string): Promise<Rollout>
  /** Puts the split of the present step in force again and judges on. */
  resume(id: string): Promise<Rollout>
  /** Goes back to the champion by one traffic write. Idempotent; `rollout_conflict` once the rollout is done. */
  abort(id: string, reason: string): Promise<Rollout>
}

export interface RolloutWish {
  readonly model: string
  readonly champion: string
  readonly candidate: string
  readonly plan: RolloutPlan
}

/** Starts and stops processes; knows nothing of wishes. `local` here, others later, one conformance suite. */
export interface ReplicaBackend {
  start(spec: Omit<ReplicaSpec, 'address' | 'runFolder' | 'internalKeyFile'>): Promise<void>
  /** SIGTERM, then SIGKILL after the drain time. Idempotent; resolves when the process is gone. */
  stop(replicaId: string): Promise<void>
  /** What is there now, running before this process started included. */
  list(): Promise<ObservedReplica[]>
  /** Called when something about a replica changed; returns its undo. */
  watch(listener: () => void): () => void
  close(): Promise<void>
}

export interface ObservedReplica {
  readonly replicaId: string
  readonly model: string
  readonly label: string
  readonly versionId: string
  readonly status: ReplicaStatus
  readonly alive: boolean
}
