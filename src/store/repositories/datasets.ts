import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Selectable } from 'kysely'
import { type Dataset, type DatasetItem, datasetItem } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { Tables } from '../schema.ts'
import type { ArtifactStore, DatasetRepository } from '../store.ts'
import { isForeignKeyViolation } from '../store-error.ts'
import type { Context } from './context.ts'
import { pageOf } from './rows.ts'

/** Bound on what a gzipped dataset may unpack to. */
const UNPACKED_LIMIT_BYTES = 512 * 1024 ** 2

export function datasetRepository(
  { database: { db }, clock, tell }: Context,
  artifacts: ArtifactStore,
): DatasetRepository {
  const find = (name: string) =>
    db.selectFrom('datasets').selectAll().where('dataset_name', '=', name).executeTakeFirst()
  const get = async (name: string) => {
    const row = await find(name)
    if (row === undefined) throw new SlipwayError('dataset_missing', { dataset: name })
    return toDataset(row)
  }

  return {
    register: async (dataset) => {
      const inserted = await db
        .insertInto('datasets')
        .values({
          dataset_name: dataset.name,
          model_name: dataset.model,
          digest: dataset.digest,
          items: dataset.items,
          created_at: new Date(clock.nowMs()),
        })
        .onConflict((conflict) => conflict.column('dataset_name').doNothing())
        .returningAll()
        .executeTakeFirst()
        .catch((error: unknown) => {
          throw isForeignKeyViolation(error)
            ? new SlipwayError('unknown_model', { model: dataset.model })
            : error
        })
      if (inserted !== undefined) {
        tell('datasets', dataset.name)
        return toDataset(inserted)
      }
      const existing = toDataset((await find(dataset.name))!)
      if (existing.digest !== dataset.digest || existing.model !== dataset.model)
        throw new SlipwayError('conflict', { what: `A dataset called "${dataset.name}" with other items` })
      return existing
    },

    get,

    list: async (page) => {
      let query = db
        .selectFrom('datasets')
        .selectAll()
        .orderBy('dataset_name')
        .limit(page.limit + 1)
      if (page.cursor) query = query.where('dataset_name', '>', page.cursor)
      return pageOf(await query.execute(), page, (row) => row.dataset_name, toDataset)
    },

    items: async (name) => {
      const { digest } = await get(name)
      return parseItems(name, await unpacked(name, await artifacts.read(digest)))
    },
  }
}

async function unpacked(dataset: string, content: Buffer): Promise<string> {
  const isGzip = content[0] === 0x1f && content[1] === 0x8b
  if (!isGzip) return content.toString('utf8')
  try {
    const plain = await promisify(gunzip)(content, { maxOutputLength: UNPACKED_LIMIT_BYTES })
    return plain.toString('utf8')
  } catch (error) {
    throw new SlipwayError(
      'dataset_invalid',
      { dataset, line: 0, reason: 'its gzip is broken or too large' },
      { cause: error },
    )
  }
}

function parseItems(dataset: string, text: string): DatasetItem[] {
  const items: DatasetItem[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    items.push(parseItem(dataset, index + 1, line))
  }
  return items
}

function parseItem(dataset: string, line: number, text: string): DatasetItem {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new SlipwayError('dataset_invalid', { dataset, line, reason: 'it is not JSON' }, { cause: error })
  }
  const parsed = datasetItem.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const reason = `${issue?.path.join('.') || 'the item'}: ${issue?.message ?? 'not an item'}`
  throw new SlipwayError('dataset_invalid', { dataset, line, reason })
}

function toDataset(row: Selectable<Tables['datasets']>): Dataset {
  return {
    name: row.dataset_name,
    model: row.model_name,
    digest: row.digest,
    items: row.items,
    createdAt: row.created_at.getTime(),
  }
}
