import type { Fleet } from '../fleet/index.ts'
import type { Clock, Logger } from '../kernel/index.ts'
import type { Lab } from '../lab/index.ts'
import type { Store } from '../store/index.ts'
import type { Policy } from './policy.ts'
import type { Probe } from './probe.ts'

/** What the changes need of the rooms and machines around them. */
export interface ChangeParts {
  readonly store: Pick<
    Store,
    | 'models'
    | 'versions'
    | 'artifacts'
    | 'datasets'
    | 'deployments'
    | 'traffic'
    | 'windows'
    | 'changes'
    | 'evidence'
    | 'signOffs'
    | 'rollouts'
    | 'incidents'
    | 'failureCases'
    | 'jobs'
    | 'audit'
    | 'watch'
  >
  readonly fleet: Pick<Fleet, 'deploy' | 'stop' | 'whenReady' | 'rollback' | 'championOf' | 'rollouts'>
  readonly lab: Lab
  readonly policy: Policy
  readonly clock: Clock
  readonly logger: Logger
  readonly gatewayUrl: string
  /** A key that may predict. */
  readonly key: string
  readonly probe: Probe
}

/** How long things may take before they count as failed. */
export const LIMITS = {
  /** For the candidate's replicas to be ready. */
  readyMs: 120_000,
  /** A check is stopped after ten times what it expected, and never before this. */
  shortestCheckMs: 600_000,
  /** From a person's abort to a check that does not listen being left behind. */
  abortMs: 500,
  /** For the fleet to take the rollout on. */
  startMs: 60_000,
  /** Tries of a check that breaks off; its finished blocks are kept in between. */
  checkTries: 3,
  /** Golden items that staging sends to the candidate. */
  probeRows: 8,
} as const
