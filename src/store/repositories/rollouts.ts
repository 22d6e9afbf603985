import type { Insertable, Kysely, Selectable, Updateable } from 'kysely'
import type { Rollout, RolloutLook } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { Tables } from '../schema.ts'
import type { RolloutRepository } from '../store.ts'
import { isUniqueViolation } from '../store-error.ts'
import type { Context } from './context.ts'
import { dateOrNull, json, msOrNull } from './rows.ts'

export function rolloutRepository({ database: { db }, tell }: Context): RolloutRepository {
  return {
    create: async (rollout) => {
      await db
        .insertInto('rollouts')
        .values({ ...toColumns(rollout), rollout_id: rollout.id } as Insertable<Tables['rollouts']>)
        .execute()
        .catch((error: unknown) => {
          throw isUniqueViolation(error)
            ? new SlipwayError('conflict', { what: `Rollout ${rollout.id}` })
            : error
        })
      tell('rollouts', rollout.id)
    },

    get: async (id) => {
      const row = await db.selectFrom('rollouts').selectAll().where('rollout_id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : toRollout(row)
    },

    listOpen: async () => {
      const rows = await db
        .selectFrom('rollouts')
        .selectAll()
        .where('state', 'not in', ['done', 'rolled-back'])
        .orderBy('ordinal')
        .execute()
      return rows.map(toRollout)
    },

    update: async (id, patch) => {
      const rollout = await patchRollout(db, id, patch)
      tell('rollouts', id)
      return rollout
    },

    putLook: async (look, patch) => {
      const rollout = await db
        .transaction()
        .execute(async (transaction) => {
          await transaction
            .insertInto('rollout_looks')
            .values({
              rollout_id: look.rolloutId,
              sequence: look.sequence,
              at: new Date(look.at),
              decision: look.decision,
              body: json(look),
            })
            .execute()
          return patchRollout(transaction, look.rolloutId, patch)
        })
        .catch((error: unknown) => {
          throw isUniqueViolation(error)
            ? new SlipwayError('conflict', { what: `Look ${look.sequence} of rollout ${look.rolloutId}` })
            : error
        })
      tell('looks', look.rolloutId)
      tell('rollouts', look.rolloutId)
      return rollout
    },

    looks: async (rolloutId, { since, limit } = {}) => {
      let query = db
        .selectFrom('rollout_looks')
        .select('body')
        .where('rollout_id', '=', rolloutId)
        .orderBy('sequence')
      if (since !== undefined) query = query.where('sequence', '>', since)
      if (limit !== undefined) query = query.limit(limit)
      const rows = await query.execute()
      return rows.map(({ body }) => body as RolloutLook)
    },
  }
}

async function patchRollout(
  db: Kysely<Tables>,
  id: string,
  patch: Partial<Omit<Rollout, 'id'>>,
): Promise<Rollout> {
  const columns = toColumns(patch)
  const row =
    Object.keys(columns).length === 0
      ? await db.selectFrom('rollouts').selectAll().where('rollout_id', '=', id).executeTakeFirstOrThrow()
      : await db
          .updateTable('rollouts')
          .set(columns)
          .where('rollout_id', '=', id)
          .returningAll()
          .executeTakeFirstOrThrow()
  return toRollout(row)
}

/** Only the columns whose fields are there. */
function toColumns(rollout: Partial<Rollout>): Updateable<Tables['rollouts']> {
  return {
    ...(rollout.changeId !== undefined && { change_id: rollout.changeId }),
    ...(rollout.model !== undefined && { model_name: rollout.model }),
    ...(rollout.champion !== undefined && { champion: rollout.champion }),
    ...(rollout.candidate !== undefined && { candidate: rollout.candidate }),
    ...(rollout.plan && { plan: json(rollout.plan) }),
    ...(rollout.guards && { guards: json(rollout.guards) }),
    ...(rollout.forecast && { forecast: json(rollout.forecast) }),
    ...(rollout.state && { state: rollout.state }),
    ...(rollout.step !== undefined && { step: rollout.step }),
    ...(rollout.reason !== undefined && { reason: rollout.reason }),
    ...(rollout.startedAt !== undefined && { started_at: new Date(rollout.startedAt) }),
    ...(rollout.stepStartedAt !== undefined && { step_started_at: new Date(rollout.stepStartedAt) }),
    ...(rollout.finishedAt !== undefined && { finished_at: dateOrNull(rollout.finishedAt) }),
    ...(rollout.rollbackMs !== undefined && { rollback_ms: rollout.rollbackMs }),
  }
}

function toRollout(row: Selectable<Tables['rollouts']>): Rollout {
  return {
    id: row.rollout_id,
    changeId: row.change_id,
    model: row.model_name,
    champion: row.champion,
    candidate: row.candidate,
    plan: row.plan as Rollout['plan'],
    guards: row.guards as Rollout['guards'],
    forecast: row.forecast as Rollout['forecast'],
    state: row.state as Rollout['state'],
    step: row.step,
    reason: row.reason,
    startedAt: row.started_at.getTime(),
    stepStartedAt: row.step_started_at.getTime(),
    finishedAt: msOrNull(row.finished_at),
    rollbackMs: row.rollback_ms,
  }
}
