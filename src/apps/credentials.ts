import { existsSync, readFileSync } from 'node:fs'
import type { Scope } from '../contracts/index.ts'
import { macOfSecret, newKeySecret, parseKey, sameMac } from '../kernel/index.ts'
import type { Store } from '../store/index.ts'
import { type DataFolder, writeWhole } from './data-folder.ts'

/** What the CLI of the same machine works with; mode 0600. */
export interface Credentials {
  readonly control: string
  readonly gateway: string
  readonly key: string
}

export function readCredentials(path: string): Credentials | undefined {
  if (!existsSync(path)) return undefined
  return JSON.parse(readFileSync(path, 'utf8')) as Credentials
}

/**
 * Makes the keys that an installation cannot work without, where they are missing or no longer open the door: the
 * operator's (written for the CLI), the one between processes, and the one that checks predict with.
 */
export async function ensureCredentials(
  store: Store,
  folder: DataFolder,
  pepper: Uint8Array,
  urls: { control: string; gateway: string },
): Promise<{ labKey: string }> {
  await keepKey(folder.internalKey, 'internal processes', 'internal')
  const labKey = await keepKey(folder.labKey, 'lab', 'predict')
  const known = readCredentials(folder.credentials)
  const key = await ensureKey(store, pepper, known?.key, 'operator', 'admin')
  writeWhole(folder.credentials, `${JSON.stringify({ ...urls, key }, null, 2)}\n`, 0o600)
  return { labKey }

  async function keepKey(path: string, name: string, scope: Scope): Promise<string> {
    const stored = existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined
    const current = await ensureKey(store, pepper, stored, name, scope)
    if (current !== stored) writeWhole(path, current, 0o600)
    return current
  }
}

/** The stored key when it still opens the door, else a new one. */
async function ensureKey(
  store: Store,
  pepper: Uint8Array,
  known: string | undefined,
  name: string,
  scope: Scope,
): Promise<string> {
  const parts = parseKey(known ?? '')
  const stored = parts === undefined ? undefined : await store.keys.find(parts.publicId)
  const opens =
    stored !== undefined &&
    stored.revokedAt === null &&
    sameMac(stored.mac, macOfSecret(parts?.secret ?? '', pepper))
  if (known !== undefined && opens) return known
  const { publicId, secret, key } = newKeySecret()
  await store.keys.create({
    publicId,
    mac: macOfSecret(secret, pepper),
    name,
    tenant: 'default',
    scopes: [scope],
    limits: { requestsPerSecond: null, concurrency: null },
    expiresAt: null,
  })
  return key
}
