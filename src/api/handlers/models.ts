import { type Model, type ModelSummary, versionFiles } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { registerDataset } from '../datasets.ts'
import type { ApiParts, Handlers } from '../parts.ts'
import { checkTextVersion } from '../text-version.ts'

export function modelHandlers(
  parts: ApiParts,
): Handlers<
  | 'listModels'
  | 'createModel'
  | 'getModel'
  | 'listVersions'
  | 'createVersion'
  | 'putArtifact'
  | 'getArtifact'
  | 'listDatasets'
  | 'putDataset'
> {
  const { store } = parts
  return {
    async listModels({ query }) {
      const page = await store.models.list(query)
      return { items: await Promise.all(page.items.map((model) => summarise(parts, model))), next: page.next }
    },
    createModel: ({ body }) => store.models.create(body),
    async getModel({ params }) {
      return await summarise(parts, await store.models.get(params.model))
    },
    async listVersions({ params, query }) {
      await store.models.get(params.model)
      return await store.versions.list(params.model, query)
    },
    async createVersion({ params, body }) {
      const model = await store.models.get(params.model)
      await checkTextVersion(store, model, body)
      for (const [place, file] of versionFiles(body.spec))
        if (!(await store.artifacts.has(file.digest)))
          throw new SlipwayError(
            'artifact_missing',
            { digest: file.digest },
            { pointer: `/spec/${place}/digest` },
          )
      return await store.versions.register(params.model, body.label, body.spec)
    },
    putArtifact: ({ params, body }) => store.artifacts.put(params.digest, body),
    getArtifact: ({ params }) => store.artifacts.read(params.digest),
    listDatasets: ({ query }) => store.datasets.list(query),
    putDataset: ({ params, query, body }) => registerDataset(store, params.dataset, query.model, body),
  }
}

export async function summarise({ store, fleet }: ApiParts, model: Model): Promise<ModelSummary> {
  const [traffic, changes, incidents, champion] = await Promise.all([
    store.traffic.get(model.model),
    store.changes.list({ model: model.model, open: true }, { limit: 100 }),
    store.incidents.list({ model: model.model, open: true }, { limit: 1000 }),
    fleet.championOf(model.model),
  ])
  return {
    ...model,
    champion: champion ?? null,
    traffic: traffic ?? null,
    openChanges: changes.items.map((change) => change.id),
    openIncidents: incidents.items.length,
  }
}
