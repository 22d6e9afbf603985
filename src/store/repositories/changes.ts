import type { Insertable, Selectable, Transaction, Updateable } from 'kysely'
import type { Change, ChangeEvent } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { chainEvent } from '../chain.ts'
import type { Tables } from '../schema.ts'
import type { ChangeRepository } from '../store.ts'
import { isForeignKeyViolation, isUniqueViolation } from '../store-error.ts'
import type { Context } from './context.ts'
import { json, jsonOrNull, ordinalCursor, pageOf } from './rows.ts'

/** A change in one of these wants nothing from anybody any more. */
const CLOSED = ['done', 'rolled-back', 'withdrawn']

export function changeRepository({ database: { db }, tell }: Context): ChangeRepository {
  return {
    create: async (change, event) => {
      const first = chainEvent(change.id, event, undefined)
      await db
        .transaction()
        .execute(async (transaction) => {
          await transaction
            .insertInto('changes')
            .values({
              ...toColumns(change),
              change_id: change.id,
              last_sequence: first.sequence,
              last_hash: first.hash,
            } as Insertable<Tables['changes']>)
            .execute()
          await insertEvent(transaction, first)
        })
        .catch((error: unknown) => {
          if (isUniqueViolation(error)) throw new SlipwayError('conflict', { what: `Change ${change.id}` })
          if (isForeignKeyViolation(error))
            throw new SlipwayError('unknown_model', { model: change.proposal.model })
          throw error
        })
      tell('changes', change.id)
      return change
    },

    get: async (id) => {
      const row = await db.selectFrom('changes').selectAll().where('change_id', '=', id).executeTakeFirst()
      if (row === undefined) throw new SlipwayError('unknown_change', { change: id })
      return toChange(row)
    },

    list: async ({ model, open }, page) => {
      let query = db
        .selectFrom('changes')
        .selectAll()
        .orderBy('ordinal', 'desc')
        .limit(page.limit + 1)
      if (model !== undefined) query = query.where('model_name', '=', model)
      if (open !== undefined) query = query.where('state', open ? 'not in' : 'in', CLOSED)
      const before = ordinalCursor(page.cursor)
      if (before !== undefined) query = query.where('ordinal', '<', before)
      return pageOf(await query.execute(), page, (row) => String(row.ordinal), toChange)
    },

    append: async (id, expectedSequence, event, patch) => {
      const appended = await db.transaction().execute(async (transaction) => {
        const row = await transaction
          .selectFrom('changes')
          .select(['state', 'last_sequence', 'last_hash'])
          .where('change_id', '=', id)
          .forUpdate()
          .executeTakeFirst()
        if (row === undefined) throw new SlipwayError('unknown_change', { change: id })
        if (row.last_sequence !== expectedSequence)
          throw new SlipwayError('change_conflict', { change: id, state: row.state, action: event.type })
        const link = chainEvent(id, event, { sequence: row.last_sequence, hash: row.last_hash })
        await insertEvent(transaction, link)
        const updated = await transaction
          .updateTable('changes')
          .set({
            ...toColumns({ updatedAt: event.at, ...patch }),
            last_sequence: link.sequence,
            last_hash: link.hash,
          })
          .where('change_id', '=', id)
          .returningAll()
          .executeTakeFirstOrThrow()
        return { change: toChange(updated), event: link }
      })
      tell('changes', id)
      return appended
    },

    setProgress: async (id, checks) => {
      await db
        .updateTable('changes')
        .set({ checks: json(checks) })
        .where('change_id', '=', id)
        .execute()
      tell('changes', id)
    },

    events: async (id) => {
      const rows = await db
        .selectFrom('change_events')
        .selectAll()
        .where('change_id', '=', id)
        .orderBy('sequence')
        .execute()
      return rows.map(toEvent)
    },
  }
}

async function insertEvent(transaction: Transaction<Tables>, event: ChangeEvent): Promise<void> {
  await transaction
    .insertInto('change_events')
    .values({
      change_id: event.change,
      sequence: event.sequence,
      at: new Date(event.at),
      actor: event.actor,
      type: event.type,
      data: json(event.data),
      previous_hash: event.previousHash,
      hash: event.hash,
    })
    .execute()
}

/** Only the columns whose fields are there. */
function toColumns(change: Partial<Change>): Updateable<Tables['changes']> {
  return {
    ...(change.proposal && { model_name: change.proposal.model, proposal: json(change.proposal) }),
    ...(change.state && { state: change.state }),
    ...(change.reason !== undefined && { reason: change.reason }),
    ...(change.champion && { champion: json(change.champion) }),
    ...(change.candidate && { candidate: json(change.candidate) }),
    ...(change.author !== undefined && { author: change.author }),
    ...(change.verdict !== undefined && { verdict: jsonOrNull(change.verdict) }),
    ...(change.checks && { checks: json(change.checks) }),
    ...(change.rolloutId !== undefined && { rollout_id: change.rolloutId }),
    ...(change.createdAt !== undefined && { created_at: new Date(change.createdAt) }),
    ...(change.updatedAt !== undefined && { updated_at: new Date(change.updatedAt) }),
  }
}

function toChange(row: Selectable<Tables['changes']>): Change {
  return {
    id: row.change_id,
    proposal: row.proposal as Change['proposal'],
    state: row.state as Change['state'],
    reason: row.reason,
    champion: row.champion as Change['champion'],
    candidate: row.candidate as Change['candidate'],
    author: row.author,
    createdAt: row.created_at.getTime(),
    updatedAt: row.updated_at.getTime(),
    verdict: row.verdict as Change['verdict'],
    checks: row.checks as Change['checks'],
    rolloutId: row.rollout_id,
  }
}

function toEvent(row: Selectable<Tables['change_events']>): ChangeEvent {
  return {
    change: row.change_id,
    sequence: row.sequence,
    at: row.at.getTime(),
    actor: row.actor,
    type: row.type as ChangeEvent['type'],
    data: row.data as ChangeEvent['data'],
    previousHash: row.previous_hash,
    hash: row.hash,
  }
}
