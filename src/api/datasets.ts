import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type Dataset, datasetItem } from '../contracts/index.ts'
import { digestOfBytes, SlipwayError } from '../kernel/index.ts'
import type { Store } from '../store/index.ts'

const PACKED_LIMIT_BYTES = 64 * 1024 * 1024
const LIMIT_BYTES = 512 * 1024 * 1024
const unzip = promisify(gunzip)

/**
 * Checks every line before anything is stored, so that a dataset is whole or not there. Ids must be unique: checks pair
 * items by them. Throws `dataset_invalid` with the line.
 */
export async function registerDataset(
  store: Store,
  name: string,
  model: string,
  body: Readable,
): Promise<Dataset> {
  await store.models.get(model)
  const text = await readText(body, name)
  const ids = new Set<string>()
  let line = 0
  for (const content of text.split('\n')) {
    line++
    if (content === '') continue
    const id = itemIdOf(content, name, line)
    if (ids.has(id))
      throw new SlipwayError('dataset_invalid', { dataset: name, line, reason: `the id ${id} came before` })
    ids.add(id)
  }
  if (ids.size === 0)
    throw new SlipwayError('dataset_invalid', { dataset: name, line: 1, reason: 'there is no item' })
  const bytes = Buffer.from(text)
  const digest = digestOfBytes(bytes)
  await store.artifacts.put(digest, bytes)
  return await store.datasets.register({ name, model, digest, items: ids.size })
}

function itemIdOf(content: string, dataset: string, line: number): string {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (cause) {
    throw new SlipwayError(
      'dataset_invalid',
      { dataset, line, reason: `not JSON (${(cause as Error).message})` },
      { cause },
    )
  }
  const item = datasetItem.safeParse(value)
  if (item.success) return item.data.id
  const issue = item.error.issues[0]
  const reason = `${issue?.path.join('.') || 'the item'}: ${issue?.message ?? 'invalid'}`
  throw new SlipwayError('dataset_invalid', { dataset, line, reason })
}

async function readText(body: Readable, dataset: string): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > PACKED_LIMIT_BYTES)
      throw new SlipwayError('body_too_large', { limitBytes: PACKED_LIMIT_BYTES })
    chunks.push(chunk)
  }
  const packed = Buffer.concat(chunks)
  if (packed[0] !== 0x1f || packed[1] !== 0x8b) return packed.toString('utf8')
  try {
    return (await unzip(packed, { maxOutputLength: LIMIT_BYTES })).toString('utf8')
  } catch (cause) {
    throw new SlipwayError(
      'dataset_invalid',
      { dataset, line: 1, reason: `gzip does not unpack (${(cause as Error).message})` },
      { cause },
    )
  }
}
