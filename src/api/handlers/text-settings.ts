import { defaultServingPolicy, isRemoteEngine } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { revisionOf } from '../etag.ts'
import type { ApiParts, Handlers } from '../parts.ts'

export function textSettingsHandlers({
  store,
}: ApiParts): Handlers<
  | 'listProviders'
  | 'putProvider'
  | 'deleteProvider'
  | 'getServingPolicy'
  | 'putServingPolicy'
  | 'listLimits'
  | 'putLimit'
  | 'deleteLimit'
  | 'listPrices'
  | 'putPrice'
> {
  const { settings } = store

  /** A version that is deployed and needs the provider, in words. */
  async function userOf(provider: string): Promise<string | undefined> {
    for (const { model, version } of await store.deployments.list()) {
      const { spec } = await store.versions.get(model, version)
      if (isRemoteEngine(spec.engine) && spec.provider === provider) return `${model} ${version}`
    }
    return undefined
  }

  return {
    async listProviders() {
      const found = await settings.list('provider')
      return {
        items: found.map(({ body, revision, updatedAtMs }) => ({
          ...body,
          revision,
          updatedAt: updatedAtMs,
        })),
      }
    },
    async putProvider({ params, body, headers, reply }) {
      const wanted = { ...body, name: params.provider }
      const { revision, updatedAtMs } = await settings.put(
        'provider',
        params.provider,
        wanted,
        revisionOf(headers['if-match']),
      )
      reply.header('etag', `"${revision}"`)
      return { ...wanted, revision, updatedAt: updatedAtMs }
    },
    async deleteProvider({ params }) {
      const user = await userOf(params.provider)
      if (user !== undefined) throw new SlipwayError('conflict', { what: `${user}, which needs it,` })
      if (!(await settings.remove('provider', params.provider)))
        throw new SlipwayError('unknown_provider', { provider: params.provider })
    },
    async getServingPolicy({ params, reply }) {
      await store.models.get(params.model)
      const found = await settings.find('serving-policy', params.model)
      reply.header('etag', `"${found?.revision ?? 0}"`)
      return found?.body ?? defaultServingPolicy
    },
    async putServingPolicy({ params, body, headers, reply }) {
      await store.models.get(params.model)
      for (const [index, rung] of (body.ladder?.rungs ?? []).entries())
        if (rung.kind === 'version')
          await store.versions.get(rung.model ?? params.model, rung.version).catch((error: unknown) => {
            throw error instanceof SlipwayError
              ? new SlipwayError(error.code, error.parameters, { pointer: `/ladder/rungs/${index}/version` })
              : error
          })
      const { revision } = await settings.put(
        'serving-policy',
        params.model,
        body,
        revisionOf(headers['if-match']),
      )
      reply.header('etag', `"${revision}"`)
      return body
    },
    async listLimits() {
      return { items: (await settings.list('limit')).map(({ body }) => body) }
    },
    async putLimit({ params, body }) {
      const wanted = { ...body, name: params.limit }
      await settings.put('limit', params.limit, wanted)
      return wanted
    },
    async deleteLimit({ params }) {
      if (!(await settings.remove('limit', params.limit)))
        throw new SlipwayError('invalid_request', { reason: `No limit is called "${params.limit}".` })
    },
    async listPrices() {
      return { items: (await settings.list('price')).map(({ body }) => body) }
    },
    async putPrice({ body }) {
      await settings.put('price', `${body.provider}/${body.model}@${body.from}`, body)
      return body
    },
  }
}
