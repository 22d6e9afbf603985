import type { Selectable } from 'kysely'
import type { Model } from '../../contracts/index.ts'
import { canonicalJson, SlipwayError } from '../../kernel/index.ts'
import type { Tables } from '../schema.ts'
import type { ModelRepository } from '../store.ts'
import type { Context } from './context.ts'
import { json, jsonOrNull, pageOf } from './rows.ts'

export function modelRepository({ database: { db }, clock, tell }: Context): ModelRepository {
  const find = (name: string) =>
    db.selectFrom('models').selectAll().where('model_name', '=', name).executeTakeFirst()

  return {
    create: async (model) => {
      const inserted = await db
        .insertInto('models')
        .values({
          model_name: model.model,
          description: model.description,
          framework: model.framework,
          owner: model.owner,
          task: model.task,
          contract: json(model.contract),
          classes: jsonOrNull(model.classes),
          capture_failures: model.captureFailures,
          created_at: new Date(clock.nowMs()),
        })
        .onConflict((conflict) => conflict.column('model_name').doNothing())
        .returningAll()
        .executeTakeFirst()
      if (inserted !== undefined) {
        tell('models', model.model)
        return toModel(inserted)
      }
      const { createdAt, ...existing } = toModel((await find(model.model))!)
      if (canonicalJson(existing) !== canonicalJson(model))
        throw new SlipwayError('conflict', {
          what: `A model called "${model.model}" with another description`,
        })
      return { ...existing, createdAt }
    },

    get: async (name) => {
      const row = await find(name)
      if (row === undefined) throw new SlipwayError('unknown_model', { model: name })
      return toModel(row)
    },

    list: async (page) => {
      let query = db
        .selectFrom('models')
        .selectAll()
        .orderBy('model_name')
        .limit(page.limit + 1)
      if (page.cursor) query = query.where('model_name', '>', page.cursor)
      return pageOf(await query.execute(), page, (row) => row.model_name, toModel)
    },
  }
}

function toModel(row: Selectable<Tables['models']>): Model {
  return {
    model: row.model_name,
    description: row.description,
    framework: row.framework,
    owner: row.owner,
    task: row.task,
    contract: row.contract as Model['contract'],
    ...(row.classes === null ? {} : { classes: row.classes as string[] }),
    captureFailures: row.capture_failures,
    createdAt: row.created_at.getTime(),
  }
}
