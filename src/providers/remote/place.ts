import type { Provider, ProviderAccount } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { checkedEndpoint } from '../address-guard.ts'
import { type KindRow, type Operation, type ProviderRow, type RowChange, rowFor } from './kind-row.ts'
import { azureV1, kinds } from './kinds.ts'

/** The row of a provider, as its own settings make it. Throws `invalid_request` for an API that its kind does not have. */
export function rowOf(provider: Provider): ProviderRow {
  const row = kinds[provider.kind]
  const isAzureV1 = provider.kind === 'azure-openai' && /\/openai\/v1\/?$/.test(provider.baseUrl ?? '')
  return { kind: provider.kind, ...row, ...(isAzureV1 ? azureV1 : {}), ...apiOf(provider, row) }
}

function apiOf({ api, kind, name }: Provider, { apis }: KindRow): RowChange | undefined {
  if (api === undefined) return undefined
  const change = apis?.[api]
  if (change !== undefined) return change
  const known = Object.keys(apis ?? {})
  throw invalid(
    `The provider ${name} has no API ${api}: its kind, ${kind}, has ${known.length === 0 ? 'only one' : known.join(' and ')}.`,
  )
}

/** Where one account's requests go. */
export interface Place {
  readonly origin: string
  readonly host: string
  readonly region: string | undefined
  /** Path and query of an operation; undefined where it is not offered. */
  pathOf(operation: Operation, modelName: string): string | undefined
}

/** Throws `invalid_request` for what cannot be an address or may not be called. */
export function placeOf(provider: Provider, account: ProviderAccount, row: ProviderRow): Place {
  const written = account.baseUrl ?? provider.baseUrl ?? row.baseUrl
  const who = `The provider ${provider.name}`
  if (written === undefined) throw invalid(`${who} needs a baseUrl: its kind, ${provider.kind}, has none.`)
  const region = account.region ?? row.region
  if (row.needsRegion === true && region === undefined && written.includes('{region}'))
    throw invalid(`${who} needs a region for the account ${account.name}.`)
  if (row.needsProject === true && provider.project === undefined && written.includes('{project}'))
    throw invalid(`${who} needs a project.`)
  const values: Values = {
    region: region ?? '',
    project: provider.project ?? '',
    apiVersion: provider.apiVersion ?? row.apiVersion ?? '',
  }
  const endpoint = checkedEndpoint(fill(hostOf(written, region), values), provider.allowInner)
  const base = endpoint.pathname.replace(/\/+$/, '')
  const query = endpoint.search
  return {
    origin: endpoint.origin,
    host: endpoint.host,
    region,
    pathOf(operation, modelName) {
      const template = rowFor(row, modelName).paths[operation]
      if (template === undefined) return undefined
      const path = base + fill(template, { ...values, model: modelName })
      return query === '' ? path : path + (path.includes('?') ? `&${query.slice(1)}` : query)
    },
  }
}

/** The kind's own headers and those that were configured, in which references are not resolved yet. */
export function headersOf(provider: Provider, row: KindRow): Record<string, string> {
  const headers: Record<string, string> = {}
  const values = { apiVersion: provider.apiVersion ?? row.apiVersion ?? '' }
  for (const [name, value] of Object.entries(row.headers ?? {})) headers[name] = fill(value, values)
  for (const [name, value] of Object.entries(provider.headers)) {
    const lower = name.toLowerCase()
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(lower) || OURS.has(lower))
      throw invalid(`The provider ${provider.name} cannot set the header ${name}: it is ours to write.`)
    headers[lower] = value
  }
  return headers
}

/** What frames a message or names its hop; a second one of these is how requests are smuggled. */
const OURS: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

type Values = Readonly<Record<string, string>>

function fill(template: string, values: Values): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''))
}

/** Vertex: the global location has no prefix of its own. */
function hostOf(url: string, region: string | undefined): string {
  return region === 'global' ? url.replace('://{region}-aiplatform', '://aiplatform') : url
}

function invalid(reason: string): SlipwayError {
  return new SlipwayError('invalid_request', { reason })
}
