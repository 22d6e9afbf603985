import type { Rollout, RolloutLook, TrafficShares } from '../../contracts/index.ts'
import type { Logger } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'
import { ROLLBACK_REASON } from '../traffic/shares.ts'
import type { Move } from './advance.ts'
import type { RolloutMemories } from './memories.ts'

/** What a move is made with. */
export interface Hands {
  readonly store: Pick<Store, 'rollouts'>
  readonly logger: Logger
  setTraffic(model: string, shares: TrafficShares, reason: string): Promise<unknown>
  stop(model: string, version: string): Promise<unknown>
  scale(model: string, version: string, replicas: number): Promise<unknown>
}

/** One move is one write. */
export async function makeMove(
  hands: Hands,
  memories: RolloutMemories,
  rollout: Rollout,
  move: Move,
): Promise<void> {
  const { model, champion, candidate } = rollout
  switch (move.kind) {
    case 'wait':
      return
    case 'update':
      await hands.store.rollouts.update(rollout.id, move.patch)
      return
    case 'look':
      await writeLook(hands, memories, rollout, move.look, move.patch)
      return
    case 'split': {
      const shares = { [champion]: 100 - move.candidatePercent, [candidate]: move.candidatePercent }
      // Marked as a rollback, so that a rollback by hand right after it does not go back once more.
      const mark = move.candidatePercent === 0 ? ROLLBACK_REASON : ''
      await hands.setTraffic(model, shares, `${mark}rollout ${rollout.id}: ${move.reason}`)
      return
    }
    case 'scale-candidate':
      await hands.scale(model, candidate, move.replicas)
      return
    case 'stop':
      await hands.stop(model, move.version)
  }
}

async function writeLook(
  { store, logger }: Hands,
  memories: RolloutMemories,
  rollout: Rollout,
  look: RolloutLook,
  patch: Partial<Omit<Rollout, 'id'>>,
): Promise<void> {
  const memory = await memories.of(rollout)
  try {
    await store.rollouts.putLook(look, patch)
  } catch (error) {
    // Whether it was written is not known: the sequence is read again.
    memories.forget(rollout.id)
    throw error
  }
  memory.lastLook = look
  const { step, decision, reason } = look
  if (decision !== 'continue' && decision !== 'hold')
    logger.info({ rollout: rollout.id, step, decision, reason }, 'rollout was judged')
}
