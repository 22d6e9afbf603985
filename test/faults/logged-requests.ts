import type { Store } from '../../src/store/index.ts'

/** The ids of all requests of a model in the request log, as often as they are there. */
export async function loggedRequests(store: Store, model: string): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await store.requestLog.list({ model }, { limit: 1000, cursor })
    ids.push(...page.items.map((record) => record.requestId))
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return ids
}
