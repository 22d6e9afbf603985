import type { Version } from '../../contracts/index.ts'
import type { Page, PageRequest, SettingsRepository, Store } from '../../store/index.ts'
import { versionKey } from '../reconcile/decide.ts'
import type { FleetView } from '../reconcile/reconciler.ts'
import type { Catalogue } from './build-snapshot.ts'

/** Versions never change, so each is read once; what people write is read again after `invalidate`. */
export interface CatalogueReader {
  read(view: FleetView): Promise<Catalogue>
  invalidate(): void
}

const PAGE_SIZE = 200

export function createCatalogueReader(
  store: Pick<Store, 'models' | 'versions' | 'keys' | 'settings'>,
): CatalogueReader {
  const versions = new Map<string, Version>()
  let known: Omit<Catalogue, 'versions'> | undefined
  let isStale = true

  async function versionOf(model: string, label: string): Promise<Version> {
    const key = versionKey(model, label)
    const found = versions.get(key) ?? (await store.versions.get(model, label))
    versions.set(key, found)
    return found
  }

  return {
    async read(view) {
      if (isStale || known === undefined) {
        // Said before reading: what is written meanwhile makes it stale again.
        isStale = false
        try {
          known = {
            models: await all((page) => store.models.list(page)),
            keys: await all((page) => store.keys.list(page)),
            ...(await readSettings(store.settings)),
          }
        } catch (error) {
          isStale = true
          throw error
        }
      }
      const named = new Map<string, Promise<Version>>()
      const name = (model: string, label: string) => {
        named.set(versionKey(model, label), versionOf(model, label))
      }
      for (const row of view.deployments) name(row.model, row.version)
      for (const row of view.traffic)
        for (const [label, share] of Object.entries(row.shares)) if (share > 0) name(row.model, label)
      return { ...known, versions: await Promise.all(named.values()) }
    },
    invalidate() {
      isStale = true
    },
  }
}

async function readSettings(settings: SettingsRepository) {
  const policies = await settings.list('serving-policy')
  const providers = await settings.list('provider')
  return {
    servingPolicies: new Map(policies.map(({ name, body }) => [name, body])),
    providers: providers.map(({ body, revision, updatedAtMs }) => ({
      ...body,
      revision,
      updatedAt: updatedAtMs,
    })),
    limits: (await settings.list('limit')).map(({ body }) => body),
    prices: (await settings.list('price')).map(({ body }) => body),
  }
}

async function all<T>(list: (page: PageRequest) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const page = await list({ limit: PAGE_SIZE, cursor })
    items.push(...page.items)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return items
}
