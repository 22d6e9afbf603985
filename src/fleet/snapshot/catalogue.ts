import type { Version } from '../../contracts/index.ts'
import type { Page, PageRequest, Store } from '../../store/index.ts'
import { versionKey } from '../reconcile/decide.ts'
import type { FleetView } from '../reconcile/reconciler.ts'
import type { Catalogue } from './build-snapshot.ts'

/** Versions never change, so each is read once; models and keys are read again after `invalidate`. */
export interface CatalogueReader {
  read(view: FleetView): Promise<Catalogue>
  invalidate(): void
}

const PAGE_SIZE = 200

export function createCatalogueReader(store: Pick<Store, 'models' | 'versions' | 'keys'>): CatalogueReader {
  const versions = new Map<string, Version>()
  let known: Pick<Catalogue, 'models' | 'keys'> = { models: [], keys: [] }
  let isStale = true

  async function versionOf(model: string, label: string): Promise<Version> {
    const key = versionKey(model, label)
    const found = versions.get(key) ?? (await store.versions.get(model, label))
    versions.set(key, found)
    return found
  }

  return {
    async read(view) {
      if (isStale) {
        // Said before reading: what is written meanwhile makes it stale again.
        isStale = false
        try {
          const models = await all((page) => store.models.list(page))
          known = { models, keys: await all((page) => store.keys.list(page)) }
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
