import { macOfSecret, newKeySecret, SlipwayError } from '../../kernel/index.ts'
import type { StoredKey } from '../../store/index.ts'
import type { ApiParts, Handlers } from '../parts.ts'

export function peopleHandlers({
  store,
  pepper,
  clock,
}: ApiParts): Handlers<
  'whoAmI' | 'listKeys' | 'createKey' | 'revokeKey' | 'listIncidents' | 'listFailureCases' | 'listRequests'
> {
  return {
    async whoAmI({ caller }) {
      return { name: caller.name, publicId: caller.publicId, scopes: [...caller.scopes] }
    },
    async listKeys({ query }) {
      const page = await store.keys.list(query)
      return { items: page.items.map(withoutMac), next: page.next }
    },
    async createKey({ body }) {
      if (body.scopes.includes('internal'))
        throw new SlipwayError(
          'invalid_request',
          { reason: 'The scope internal is for the processes of the installation.' },
          { pointer: '/scopes' },
        )
      const { publicId, secret, key } = newKeySecret()
      const stored = await store.keys.create({ ...body, publicId, mac: macOfSecret(secret, pepper) })
      return { ...withoutMac(stored), key }
    },
    async revokeKey({ params, caller }) {
      if (params.key === caller.publicId)
        throw new SlipwayError('invalid_request', { reason: 'A key cannot revoke itself.' })
      return withoutMac(await store.keys.revoke(params.key, clock.nowMs()))
    },
    listIncidents: ({ query }) => store.incidents.list({}, query),
    listFailureCases: ({ query }) =>
      store.failureCases.list({ model: query.model, change: query.change }, query),
    listRequests: ({ query }) => store.requestLog.list(query, query),
  }
}

function withoutMac({ mac: _, ...key }: StoredKey): Omit<StoredKey, 'mac'> {
  return key
}
